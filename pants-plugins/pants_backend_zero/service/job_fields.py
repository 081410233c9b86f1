"""The fields of a `zero_service` that is a job: it runs on a schedule and serves nothing."""

from __future__ import annotations

from pants.engine.target import IntField, StringField
from pants.util.strutil import help_text

from pants_backend_zero.service.fields import PositiveIntField

DEFAULT_TIMEOUT = 3600
DEFAULT_RETRIES = 0


class ScheduleField(StringField):
    alias = "schedule"
    help = help_text("""
        When the service's logic runs, in cron's form (minute, hour, day of the month, month, day of the
        week): the service is then a job, which serves no contract, and a CronJob in Kubernetes. Its logic is
        a class with the method `async def run(self) -> None`; `./pants run` runs it once, at once.
        Examples: `0 3 * * *`, `*/15 9-17 * * mon-fri`, `@daily`.
        """)


class TimeZoneField(StringField):
    alias = "time_zone"
    help = "The time zone of the `schedule`, such as `Europe/Berlin`. Default: UTC."


class JobTimeoutField(PositiveIntField):
    alias = "job_timeout"
    help = (
        "Seconds after which a run of a job is ended in Kubernetes, all its tries together. "
        f"Default: {DEFAULT_TIMEOUT}."
    )


class JobRetriesField(IntField):
    alias = "job_retries"
    help = help_text(f"""
        How often a run of a job that failed is tried again in Kubernetes. Give a job some only if it may
        begin its work a second time. A wrong configuration is not tried again. Default: {DEFAULT_RETRIES}.
        """)


ONLY_OF_JOBS = (ScheduleField, TimeZoneField, JobTimeoutField, JobRetriesField)
"""What says nothing of a service that has no schedule."""
