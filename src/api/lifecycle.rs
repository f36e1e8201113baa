//! When work is done: delays, rates and slots.

use std::ffi::CString;

use chrono::{DateTime, Utc};
use pgrx::prelude::*;

use crate::domain::lifecycle::{self, Cron, LifecycleError, Rate};
use crate::pg::{Answer, Caller, Coded, Name, One, OrRefuse, OrReport, Whole, cell, limit_time};

impl Coded for LifecycleError {
    fn code(&self) -> Option<&'static str> {
        None
    }
}

/// Microseconds from 1970 to 2000, from which the server counts.
const SERVER_EPOCH_MICROS: i64 = 946_684_800_000_000;

fn out_of_range(what: &'static str, given: impl ToString) -> LifecycleError {
    LifecycleError::OutOfRange { what, given: given.to_string() }
}

#[pg_extern(immutable, parallel_safe)]
fn retry_delay(attempt: i32, first_seconds: f64, most_seconds: f64, chance: f64) -> Answer<f64> {
    lifecycle::retry_delay(attempt, first_seconds, most_seconds, chance).or_report()
}

/// The server's count of microseconds; what is infinite has none.
fn micros(at: TimestampWithTimeZone) -> Result<i64, LifecycleError> {
    let micros = i64::from(at);
    if micros == i64::MAX || micros == i64::MIN {
        return Err(out_of_range("the time", "infinity"));
    }
    Ok(micros)
}

fn moment(micros: i64) -> Result<TimestampWithTimeZone, LifecycleError> {
    TimestampWithTimeZone::try_from(micros).map_err(|_| out_of_range("the time", micros))
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function gcra(arrival timestamptz, at timestamptz, jobs integer, period interval, burst integer default 1)
returns table (allowed_at timestamptz, next_arrival timestamptz)
language c immutable parallel safe strict cost 10 rows 1
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn gcra(
    arrival: TimestampWithTimeZone,
    at: TimestampWithTimeZone,
    jobs: Whole,
    period: Interval,
    burst: Whole,
) -> Answer<One> {
    let told = || {
        let period = i64::try_from(period.as_micros())
            .map_err(|_| out_of_range("the period of a rate", "more than can be counted"))?;
        let rate = Rate::new(jobs.0, period, burst.0)?;
        let admission = rate.admit(micros(arrival)?, micros(at)?);
        Ok::<_, LifecycleError>((moment(admission.allowed_at)?, moment(admission.next_arrival)?))
    };
    let (allowed_at, next_arrival) = told().or_report()?;
    Ok(One(vec![cell(allowed_at), cell(next_arrival)]))
}

fn instant(at: TimestampWithTimeZone, what: &'static str) -> Result<DateTime<Utc>, LifecycleError> {
    let since_1970 = micros(at)?.checked_add(SERVER_EPOCH_MICROS);
    since_1970
        .and_then(DateTime::from_timestamp_micros)
        .ok_or_else(|| out_of_range(what, i64::from(at)))
}

/// The slots of a cron expression in a time zone.
#[pg_extern(immutable, parallel_safe)]
fn cron_slots(
    cron: Name<'_>,
    time_zone: Name<'_>,
    after: TimestampWithTimeZone,
    through: TimestampWithTimeZone,
    most: default!(Whole, 1000),
) -> SetOfIterator<'static, TimestampWithTimeZone> {
    let told = || {
        let cron = Cron::parse(cron.0, time_zone.0)?;
        let most = usize::try_from(most.0)
            .ok()
            .filter(|most| *most <= 100_000)
            .ok_or_else(|| out_of_range("the number of slots", most.0))?;
        let (after, through) = (instant(after, "after")?, instant(through, "through")?);
        cron.slots(after, through, most)
            .map(|slot| moment(slot.timestamp_micros() - SERVER_EPOCH_MICROS))
            .collect::<Result<Vec<_>, _>>()
    };
    SetOfIterator::new(told().or_refuse())
}

/// Has the statement cancelled when so many seconds have passed; without a number takes that back.
#[pg_extern(volatile, parallel_unsafe)]
fn _limit_time(seconds: Option<f64>) -> Answer<()> {
    let milliseconds = seconds
        .map(|seconds| {
            if (0.001..=2_000_000.0).contains(&seconds) {
                Ok((seconds * 1000.0) as i32)
            } else {
                Err(out_of_range("the time limit", seconds))
            }
        })
        .transpose()
        .or_report()?;
    limit_time(milliseconds);
    Ok(())
}

/// Runs a statement that may end transactions, such as the CALL of a procedure that commits.
#[pg_extern(sql = r#"
create procedure _call(statement text)
language c
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
fn _call(statement: Name<'_>, caller: Caller) -> Answer<()> {
    let statement = CString::new(statement.0)
        .map_err(|_| out_of_range("the statement", "a text with a NUL"))
        .or_report()?;
    caller.run(&statement)
}
