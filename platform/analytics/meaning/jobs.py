"""Background work on what datasets mean."""

from analytics.meaning.profiling import PROFILE, profile_dataset
from analytics.meaning.suggesting import SUGGEST, suggest_meaning
from jobs.handlers import Run, job_handler


@job_handler(PROFILE)
def run_profile(run: Run) -> None:
    profile_dataset(run)


@job_handler(SUGGEST)
def run_suggest(run: Run) -> None:
    suggest_meaning(run)
