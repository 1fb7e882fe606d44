"""The Celery application: `celery -A config worker`, `celery -A config beat`."""

import gc
import os
import signal

# Before anything imports numpy or the embedding engine: with more threads, a child that was forked hangs.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from celery import Celery
from celery.signals import beat_init, worker_process_init

from embedded.processes import dying_with

# Of who imports this: the worker, whose pool is forked from it.
WORKER_PID = os.getpid()

app = Celery("troupe")
# For every thread: the current application is kept per thread, and others would look for a RabbitMQ here.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def end_with_the_worker(**_: object) -> None:
    """A busy pool process would outlive a killed worker; its job is leased and will be done again."""
    if os.getpid() != WORKER_PID:  # with `--pool solo` they are one
        dying_with(WORKER_PID, signal.SIGKILL)()
    # What is loaded stays: walking through it, the garbage collector cost now and then a question 0.2 s.
    gc.freeze()


@beat_init.connect
def start_relay(**_: object) -> None:
    """Relay and sweepers live in the beat process: busy workers cannot hold them up."""
    from jobs.relay import start_clock

    start_clock()
