"""A bell that a loop waits for, and news that come with it."""

from __future__ import annotations

import select
import threading

from accompanist.app.processes.bell import Bell, News


def rings(bell: Bell | News[int], timeout_s: float = 0.0) -> bool:
    return bool(select.select([bell], [], [], timeout_s)[0])


def test_it_rings_until_it_is_calmed_however_often_it_was_rung() -> None:
    bell = Bell()
    assert not rings(bell)
    for _ in range(100_000):  # more than a pipe holds
        bell.ring()
    assert rings(bell)
    for _ in range(100):
        bell.calm()
    assert not rings(bell)
    bell.calm()
    bell.close()
    bell.close()
    bell.ring()
    bell.calm()


def test_news_of_another_thread_come_in_order_and_last_words_are_kept() -> None:
    news: News[int] = News()

    def tell() -> None:
        for i in range(1000):
            news.tell(i)

    teller = threading.Thread(target=tell)
    teller.start()
    taken: list[int] = []
    while len(taken) < 1000 and rings(news, 5.0):
        taken += news.take()
    teller.join()
    assert taken == list(range(1000))
    assert news.take() == []
    news.tell(7, 8)
    news.close()
    assert news.take() == [7, 8]
