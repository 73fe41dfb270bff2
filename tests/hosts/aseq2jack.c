/* An ALSA sequencer for programs that cannot do without one, on top of a pair of JACK MIDI ports.

   Where there is no /dev/snd/seq (containers, machines for tests), SooperLooper does not start. This
   library takes the place of the few functions of libasound that it calls:

       gcc -shared -fPIC -O2 -o libaseq2jack.so aseq2jack.c -ljack -lasound -lpthread
       LD_PRELOAD=./libaseq2jack.so sooperlooper …

   A client named NAME becomes the JACK client "NAME-midi" with the ports "in" and "out". Messages
   cross between JACK's thread and the program's in pipes that never block. One client a process. */
#define _GNU_SOURCE
#include <alsa/asoundlib.h>
#include <errno.h>
#include <fcntl.h>
#include <jack/jack.h>
#include <jack/midiport.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LONGEST 62

typedef struct {
    unsigned short length;
    unsigned char data[LONGEST];
} record;

static char client_name[64] = "aseq";
static int incoming[2] = {-1, -1};
static int outgoing[2] = {-1, -1};
static jack_client_t *client;
static jack_port_t *in_port;
static jack_port_t *out_port;
static snd_midi_event_t *coder;
static snd_midi_event_t *decoder;
static snd_seq_event_t current;

static int process(jack_nframes_t frames, void *unused) {
    (void)unused;
    void *in = jack_port_get_buffer(in_port, frames);
    jack_nframes_t count = jack_midi_get_event_count(in);
    for (jack_nframes_t i = 0; i < count; i++) {
        jack_midi_event_t event;
        record r;
        if (jack_midi_event_get(&event, in, i) != 0 || event.size > LONGEST) continue;
        r.length = (unsigned short)event.size;
        memcpy(r.data, event.buffer, event.size);
        if (write(incoming[1], &r, sizeof r) < 0) break; /* full: the program sleeps */
    }
    void *out = jack_port_get_buffer(out_port, frames);
    jack_midi_clear_buffer(out);
    record r;
    while (read(outgoing[0], &r, sizeof r) == (ssize_t)sizeof r)
        jack_midi_event_write(out, 0, r.data, r.length);
    return 0;
}

static int start(void) {
    if (client != NULL) return 0;
    char name[80];
    snprintf(name, sizeof name, "%s-midi", client_name);
    client = jack_client_open(name, JackNoStartServer, NULL);
    if (client == NULL) return -ENODEV;
    in_port = jack_port_register(client, "in", JACK_DEFAULT_MIDI_TYPE, JackPortIsInput, 0);
    out_port = jack_port_register(client, "out", JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput, 0);
    if (in_port == NULL || out_port == NULL) return -ENODEV;
    jack_set_process_callback(client, process, NULL);
    return jack_activate(client) == 0 ? 0 : -ENODEV;
}

int snd_seq_open(snd_seq_t **seq, const char *name, int streams, int mode) {
    (void)name, (void)streams, (void)mode;
    if (pipe2(incoming, O_NONBLOCK) != 0 || pipe2(outgoing, O_NONBLOCK) != 0) return -errno;
    if (snd_midi_event_new(256, &coder) != 0 || snd_midi_event_new(256, &decoder) != 0)
        return -ENOMEM;
    *seq = (snd_seq_t *)&incoming;
    return 0;
}

int snd_seq_close(snd_seq_t *seq) {
    (void)seq;
    if (client != NULL) jack_client_close(client);
    client = NULL;
    return 0;
}

int snd_seq_set_client_name(snd_seq_t *seq, const char *name) {
    (void)seq;
    snprintf(client_name, sizeof client_name, "%s", name);
    return 0;
}

int snd_seq_client_id(snd_seq_t *seq) {
    (void)seq;
    return 128;
}

int snd_seq_create_simple_port(snd_seq_t *seq, const char *name, unsigned caps, unsigned type) {
    (void)seq, (void)name, (void)caps, (void)type;
    return start();
}

int snd_seq_poll_descriptors_count(snd_seq_t *seq, short events) {
    (void)seq, (void)events;
    return 1;
}

int snd_seq_poll_descriptors(snd_seq_t *seq, struct pollfd *fds, unsigned space, short events) {
    (void)seq, (void)events;
    if (space < 1) return 0;
    fds[0].fd = incoming[0];
    fds[0].events = POLLIN;
    fds[0].revents = 0;
    return 1;
}

int snd_seq_event_input(snd_seq_t *seq, snd_seq_event_t **event) {
    (void)seq;
    record r;
    if (read(incoming[0], &r, sizeof r) != (ssize_t)sizeof r) return -EAGAIN;
    snd_seq_ev_clear(&current);
    snd_midi_event_reset_encode(coder);
    if (snd_midi_event_encode(coder, r.data, r.length, &current) <= 0) return -EAGAIN;
    if (current.type == SND_SEQ_EVENT_NONE) return -EAGAIN;
    *event = &current;
    return 1;
}

int snd_seq_event_input_pending(snd_seq_t *seq, int fetch) {
    (void)seq, (void)fetch;
    struct pollfd waiting = {incoming[0], POLLIN, 0};
    return poll(&waiting, 1, 0);
}

int snd_seq_event_output(snd_seq_t *seq, snd_seq_event_t *event) {
    (void)seq;
    record r;
    snd_midi_event_reset_decode(decoder);
    long length = snd_midi_event_decode(decoder, r.data, sizeof r.data, event);
    if (length <= 0) return 1;
    r.length = (unsigned short)length;
    return write(outgoing[1], &r, sizeof r) < 0 ? -EAGAIN : 1;
}

int snd_seq_drain_output(snd_seq_t *seq) {
    (void)seq;
    return 0;
}

int snd_seq_nonblock(snd_seq_t *seq, int nonblock) {
    (void)seq, (void)nonblock;
    return 0;
}
