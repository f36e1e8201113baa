//! Day counts, business days and frequencies.

use std::cell::RefCell;
use std::rc::Rc;

use chrono::{NaiveDate, Weekday};
use pgrx::prelude::*;

use crate::domain::calendar::{
    self, Adjustment, BusinessCalendar, BusinessDayConvention, DayCount, DayCountContext, Extent,
    Frequency, PaymentDates, RollRule, SchedulePeriod, Stub, Weekend,
};
use crate::domain::error::{Condition, Refusal};
use crate::pg::{Answer, Cells, Day, List, Name, Num, OrReport, Rows, Table, Whole};

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

/// A calendar with what it was made of.
struct Made {
    weekend: Weekend,
    holidays: Vec<NaiveDate>,
    calendar: Rc<BusinessCalendar>,
}

thread_local! {
    /// The calendar of the last call: a query asks the same calendar for every row.
    static LAST: RefCell<Option<Made>> = const { RefCell::new(None) };
}

pub(super) fn business_calendar(
    weekend_days: &List<Whole>,
    holidays: List<Day>,
) -> Answer<Rc<BusinessCalendar>> {
    let weekend = weekend(weekend_days)?;
    let holidays: Vec<NaiveDate> = holidays.0.into_iter().map(|day| day.0).collect();
    LAST.with_borrow_mut(|last| {
        if let Some(made) = last
            && made.weekend == weekend
            && made.holidays == holidays
        {
            return Ok(Rc::clone(&made.calendar));
        }
        let calendar =
            Rc::new(BusinessCalendar::new(weekend, holidays.iter().copied()).or_report()?);
        *last = Some(Made { weekend, holidays, calendar: Rc::clone(&calendar) });
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

/// Neither a number of periods nor an end.
#[derive(Debug, thiserror::Error)]
#[error("the schedule has no end")]
struct NoEnd;

impl Refusal for NoEnd {
    fn condition(&self) -> Condition {
        Condition::InvalidParameter
    }
    fn hint(&self) -> Option<String> {
        Some("Give periods, end_date or both.".into())
    }
}

impl Table<7> for Vec<SchedulePeriod> {
    fn height(&self) -> usize {
        self.len()
    }

    fn write(&self, row: usize, cells: &mut Cells<7>) {
        let period = &self[row];
        cells.whole(period.number as i32);
        cells.day(Day(period.start));
        cells.day(Day(period.end));
        cells.day(Day(period.adjusted_start));
        cells.day(Day(period.due));
        cells.truth(period.regular);
        cells.whole((period.end - period.start).num_days() as i32);
    }
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function payment_dates(
    start_date date,
    frequency text default 'monthly',
    periods integer default null,
    end_date date default null,
    first_due_on date default null,
    seed_date date default null,
    roll text default 'same_day',
    stub text default 'none',
    convention text default 'none',
    holidays date[] default '{}',
    weekend integer[] default '{6,7}'
) returns table (
    period integer,
    period_start date,
    period_end date,
    adjusted_start date,
    due_date date,
    regular boolean,
    days integer
) language c immutable parallel safe rows 60 as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
#[allow(clippy::too_many_arguments)]
fn payment_dates(
    start_date: Day,
    frequency: Name<'_>,
    periods: Option<Whole>,
    end_date: Option<Day>,
    first_due_on: Option<Day>,
    seed_date: Option<Day>,
    roll: Name<'_>,
    stub: Name<'_>,
    convention: Name<'_>,
    holidays: List<Day>,
    weekend: List<Whole>,
) -> Answer<Rows<Vec<SchedulePeriod>, 7>> {
    // A negative number is refused as the zero it stands for.
    let count = periods.map(|Whole(count)| u32::try_from(count).unwrap_or(0));
    let extent = match (count, end_date) {
        (Some(count), Some(end)) => Extent::PeriodsUntil(count, end.0),
        (Some(count), None) => Extent::Periods(count),
        (None, Some(end)) => Extent::Until(end.0),
        (None, None) => return Err(NoEnd).or_report(),
    };
    let calendar = business_calendar(&weekend, holidays)?;
    let dates = PaymentDates {
        start: start_date.0,
        frequency: Frequency::parse(frequency.0).or_report()?,
        extent,
        first_due: first_due_on.map(|day| day.0),
        seed: seed_date.map(|day| day.0),
        roll: RollRule::parse(roll.0).or_report()?,
        stub: Stub::parse(stub.0).or_report()?,
        adjustment: Some(Adjustment {
            convention: BusinessDayConvention::parse(convention.0).or_report()?,
            calendar: &calendar,
        }),
    };
    dates.periods().or_report().map(Rows)
}
