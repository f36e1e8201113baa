//! Day counts, business days and frequencies.

use std::cell::RefCell;
use std::rc::Rc;

use chrono::{NaiveDate, Weekday};
use pgrx::prelude::*;

use crate::domain::calendar::{
    self, BusinessCalendar, BusinessDayConvention, DayCount, DayCountContext, Frequency, Weekend,
};
use crate::domain::error::{Condition, Refusal};
use crate::pg::{Answer, Day, List, Name, Num, OrReport, Whole};

/// A number that is no day of the week.
#[derive(Debug, thiserror::Error)]
#[error("unknown day of the week: {0}")]
struct UnknownWeekday(i32);

impl Refusal for UnknownWeekday {
    fn condition(&self) -> Condition {
        Condition::InvalidParameter
    }
    fn hint(&self) -> Option<String> {
        Some("Give days of ISO 8601, from 1 for Monday to 7 for Sunday.".into())
    }
}

fn weekend(days: &List<Whole>) -> Answer<Weekend> {
    let mut weekdays = Vec::with_capacity(days.len());
    for Whole(day) in days.iter() {
        let index = u8::try_from(day - 1).map_err(|_| UnknownWeekday(*day)).or_report()?;
        weekdays.push(Weekday::try_from(index).map_err(|_| UnknownWeekday(*day)).or_report()?);
    }
    Ok(Weekend::of(&weekdays))
}

thread_local! {
    /// The calendar of the last call with what it was made of: a query asks the same calendar for
    /// every row.
    static LAST: RefCell<Option<(Weekend, Vec<NaiveDate>, Rc<BusinessCalendar>)>> =
        const { RefCell::new(None) };
}

fn business_calendar(
    weekend_days: &List<Whole>,
    holidays: List<Day>,
) -> Answer<Rc<BusinessCalendar>> {
    let weekend = weekend(weekend_days)?;
    let holidays: Vec<NaiveDate> = holidays.0.into_iter().map(|day| day.0).collect();
    LAST.with_borrow_mut(|last| {
        if let Some((of_weekend, of_holidays, calendar)) = last
            && *of_weekend == weekend
            && *of_holidays == holidays
        {
            return Ok(Rc::clone(calendar));
        }
        let calendar =
            Rc::new(BusinessCalendar::new(weekend, holidays.iter().copied()).or_report()?);
        *last = Some((weekend, holidays, Rc::clone(&calendar)));
        Ok(calendar)
    })
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::too_many_arguments)]
fn year_fraction(
    start_date: Day,
    end_date: Day,
    day_count: Name<'_>,
    frequency: default!(Option<Name<'_>>, "NULL"),
    period_start: default!(Option<Day>, "NULL"),
    period_end: default!(Option<Day>, "NULL"),
    schedule_start: default!(Option<Day>, "NULL"),
    schedule_end: default!(Option<Day>, "NULL"),
    end_of_month: default!(Option<bool>, "NULL"),
    holidays: default!(List<Day>, "'{}'"),
    weekend: default!(List<Whole>, "'{6,7}'"),
) -> Answer<Num> {
    let convention = DayCount::parse(day_count.0).or_report()?;
    let frequency = frequency.map(|name| Frequency::parse(name.0)).transpose().or_report()?;
    let calendar = business_calendar(&weekend, holidays)?;
    let context = DayCountContext {
        period_start: period_start.map(|day| day.0),
        period_end: period_end.map(|day| day.0),
        schedule_start: schedule_start.map(|day| day.0),
        schedule_end: schedule_end.map(|day| day.0),
        frequency,
        end_of_month,
        calendar: Some(&calendar),
    };
    calendar::year_fraction(convention, start_date.0, end_date.0, &context).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn day_count_days(
    start_date: Day,
    end_date: Day,
    day_count: Name<'_>,
    holidays: default!(List<Day>, "'{}'"),
    weekend: default!(List<Whole>, "'{6,7}'"),
) -> Answer<i64> {
    let convention = DayCount::parse(day_count.0).or_report()?;
    let calendar = business_calendar(&weekend, holidays)?;
    let context = DayCountContext { calendar: Some(&calendar), ..DayCountContext::default() };
    calendar::day_count_days(convention, start_date.0, end_date.0, &context).or_report()
}

#[pg_extern(immutable, parallel_safe)]
fn day_counts()
-> TableIterator<'static, (name!(day_count, &'static str), name!(aliases, Vec<&'static str>))> {
    TableIterator::new(
        calendar::day_count_names().iter().map(|one| (one.name, one.aliases.to_vec())),
    )
}

#[pg_extern(immutable, parallel_safe)]
fn is_business_day(
    on_date: Day,
    holidays: default!(List<Day>, "'{}'"),
    weekend: default!(List<Whole>, "'{6,7}'"),
) -> Answer<bool> {
    business_calendar(&weekend, holidays)?.is_business_day(on_date.0).or_report()
}

#[pg_extern(immutable, parallel_safe)]
fn business_days_between(
    start_date: Day,
    end_date: Day,
    holidays: default!(List<Day>, "'{}'"),
    weekend: default!(List<Whole>, "'{6,7}'"),
) -> Answer<i64> {
    business_calendar(&weekend, holidays)?
        .business_days_between(start_date.0, end_date.0)
        .or_report()
}

#[pg_extern(immutable, parallel_safe)]
fn add_business_days(
    start_date: Day,
    days: Whole,
    holidays: default!(List<Day>, "'{}'"),
    weekend: default!(List<Whole>, "'{6,7}'"),
) -> Answer<Day> {
    business_calendar(&weekend, holidays)?
        .add_business_days(start_date.0, i64::from(days.0))
        .or_report()
        .map(Day)
}

#[pg_extern(immutable, parallel_safe)]
fn adjust_date(
    on_date: Day,
    convention: Name<'_>,
    holidays: default!(List<Day>, "'{}'"),
    weekend: default!(List<Whole>, "'{6,7}'"),
) -> Answer<Day> {
    let convention = BusinessDayConvention::parse(convention.0).or_report()?;
    let calendar = business_calendar(&weekend, holidays)?;
    calendar::adjust(on_date.0, convention, &calendar).or_report().map(Day)
}
