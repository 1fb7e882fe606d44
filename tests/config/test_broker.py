"""Whoever puts work in line must know where the broker is, in whatever thread he does it."""

from threading import Thread

from django.conf import settings

from jobs.tasks import run_job


def test_every_thread_knows_the_broker():
    brokers = []
    thread = Thread(target=lambda: brokers.append(run_job.app.conf.broker_url))
    thread.start()
    thread.join()

    assert brokers == [settings.CELERY_BROKER_URL]
