from pathlib import Path

import numpy as np
import pytest

from accompanist.errors import DeviceError
from accompanist.performing.messages import Kind, Message, TimedMessage
from bridges.fluidsynth import OfflineSynth, find_soundfont
from bridges.fluidsynth_live import LiveSynth


def note(on_s: float, off_s: float, pitch: int = 69, channel: int = 1) -> list[TimedMessage]:
    return [
        TimedMessage(on_s, 0.0, 1, Message(Kind.ON, channel, pitch, 110)),
        TimedMessage(off_s, 1.0, 1, Message(Kind.OFF, channel, pitch)),
    ]


def rendered(messages: list[TimedMessage], rate: int = 44100, seconds: float = 1.0) -> np.ndarray:
    with OfflineSynth(find_soundfont(), rate) as synth:
        return synth.render(messages, seconds)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_sound_begins_when_the_note_does_at_any_rate(rate: int) -> None:
    sound = rendered(note(0.5, 0.9, 60), rate)
    assert sound.shape == (rate, 2)
    assert sound.dtype == np.float32
    begins_s = np.argmax(np.abs(sound).max(axis=1) > 1e-3) / rate
    assert 0.499 < begins_s < 0.505


def test_the_pitch_is_right_at_a_rate_that_is_resampled() -> None:
    sound = rendered(note(0.0, 1.0), 8000)[:, 0]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert abs(np.argmax(spectrum) * 8000 / len(sound) - 440) < 4


def test_rendering_is_repeatable_and_silent_without_notes() -> None:
    messages = note(0.1, 0.4) + note(0.2, 0.6, 60, 2)
    messages.sort(key=lambda m: m.time_s)
    assert np.array_equal(rendered(messages), rendered(messages))
    assert np.abs(rendered([])).max() < 1e-3


def test_programs_percussion_bends_and_controllers_are_heard() -> None:
    plain = rendered(note(0.1, 0.8))
    for change in (
        Message(Kind.PROGRAM, 1, 73),
        Message(Kind.BEND, 1, 0, 4096),
        Message(Kind.CC, 1, 7, 40),
    ):
        changed = rendered([TimedMessage(0.0, 0.0, 1, change), *note(0.1, 0.8)])
        assert not np.array_equal(plain, changed)
    assert np.abs(rendered(note(0.1, 0.3, 38, 10))).max() > 1e-3


def test_messages_after_the_end_are_left_out() -> None:
    assert rendered(note(5.0, 6.0), 8000, 1.0).shape == (8000, 2)
    assert rendered([], 8000, 0.0).shape == (0, 2)


def test_panic_silences_at_once() -> None:
    with OfflineSynth(find_soundfont(), 44100) as synth:
        synth.play(Message(Kind.CC, 1, 91, 0))
        synth.render(note(0.0, 9.0, 40), 0.5)
        synth.panic()
        assert np.abs(synth.render([], 0.5)[4410:]).max() < 2e-3


def test_a_font_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"no\.sf2: there is no such sound font; install one"):
        find_soundfont(tmp_path / "no.sf2")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "not a sound font"), (b"RIFF\xff\0\0\0sfbk", "is cut short"), (b"x" * 99, "is not a")],
)
def test_a_file_that_is_no_font_is_told_before_the_work(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "a.sf2").write_bytes(content)
    with pytest.raises(DeviceError, match=words):
        find_soundfont(tmp_path / "a.sf2")


def test_the_environment_may_name_the_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    font = tmp_path / "mine.sf2"
    font.write_bytes(b"RIFF\4\0\0\0sfbk")
    monkeypatch.setenv("SOUNDFONT", str(font))
    assert find_soundfont() == font
    with pytest.raises(DeviceError, match="cannot read"):
        OfflineSynth(font, 44100)


def test_a_machine_without_fonts_is_told_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOUNDFONT", raising=False)
    monkeypatch.setattr("bridges.soundfonts._FOLDERS", ())
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    with pytest.raises(DeviceError, match="no sound font found") as caught:
        find_soundfont()
    assert caught.value.exit_code == 4


def test_small_general_fonts_are_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOUNDFONT", raising=False)
    monkeypatch.setattr("bridges.soundfonts._FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    for name in ("a-choir.sf2", "FluidR3_GM.sf2", "TimGM6mb.sf2", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert find_soundfont().name == "TimGM6mb.sf2"


def test_the_synthesiser_tells_the_terminal_nothing(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    font = tmp_path / "broken.sf2"
    font.write_bytes(b"RIFFxxxxsfbk")
    with pytest.raises(DeviceError):
        OfflineSynth(font, 44100)
    rendered(note(0.0, 0.1), seconds=0.2)
    assert capfd.readouterr() == ("", "")


def test_the_live_synthesiser_plays_through_a_driver_and_closes_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    synth = LiveSynth(find_soundfont(), driver="file")
    assert synth.latency_s == pytest.approx(0.008)
    synth.play(Message(Kind.ON, 1, 60, 100))
    synth.panic()
    synth.close()
    synth.close()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_driver_that_does_not_open_is_a_quiet_device_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(DeviceError) as caught:
        LiveSynth(find_soundfont(), driver="nothing")
    assert str(caught.value) == (
        "FluidSynth found no audio output (nothing); connect loudspeakers or headphones and see "
        "that the sound server runs, or go without sound (play --silent)"
    )
    assert capfd.readouterr() == ("", "")
