//! The n-th date of a series that starts at a seed.
//!
//! Every date is counted from the seed and never from the date before it, so 31 January is
//! followed by 28 February and then by 31 March.

use chrono::{Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use super::civil::{
    DAY_NUMBER_MAX, DAY_NUMBER_MIN, check_range, date_of, day_number, day_number_of, days_in_month,
    is_last_day_of_month,
};
use super::{CalendarError, Frequency, SemiMonthDays};
use crate::domain::limits::{YEAR_MAX, YEAR_MIN};

/// Which of a month's Mondays, Tuesdays and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nth {
    /// The first.
    First,
    /// The second.
    Second,
    /// The third.
    Third,
    /// The fourth.
    Fourth,
    /// The last, fourth or fifth.
    Last,
}

/// On which day of the month a date of a monthly series falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollRule {
    /// On the seed's day, or the last day of a month that is too short.
    #[default]
    SameDay,
    /// On the last day of the month if the seed is on one (the end-of-month rule), else as
    /// [`Self::SameDay`]: 30 April is followed by 31 May.
    LastDay,
    /// On the seed's day, or the first day of the month after one that is too short: 31 January is
    /// followed by 1 March, 31 March and 1 May.
    FirstDayOfNextMonth,
    /// On a weekday of the month, such as the second Tuesday or the last Friday.
    NthWeekday {
        /// Which of them.
        nth: Nth,
        /// The weekday.
        weekday: Weekday,
    },
}

/// A series of dates: a seed, how often, and on which day.
///
/// Date 0 is the seed. Where the rule itself says which days the dates fall on (an n-th weekday,
/// two given days of the month) and the seed is none of them, date 1 is the first such day after
/// the seed and date -1 the last before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrence {
    seed: i32,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Every so many days.
    Days(i64),
    /// Every so many months from month `index`, on `day` or the last possible one, which is
    /// `carry` days after the last of the month.
    Months { index: i64, months: i64, day: u32, carry: u32 },
    /// Every so many months from month `index`, on a weekday. `skip` is 1 if the day of the
    /// seed's own month is still to come and -1 if it is past.
    Weekday { index: i64, months: i64, nth: Nth, weekday: u32, skip: i64 },
    /// On two days of every month; `half` is the last half month whose day is not after the seed.
    Halves { half: i64, days: SemiMonthDays, on_grid: bool },
}

impl Recurrence {
    /// The series of a seed.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`] for the seed, and [`CalendarError::Contradiction`] for an
    /// n-th weekday of a frequency that is not a number of months.
    pub fn new(
        seed: NaiveDate,
        frequency: Frequency,
        roll: RollRule,
    ) -> Result<Self, CalendarError> {
        let day_of_seed = day_number(check_range(seed)?);
        let step = match (frequency, roll) {
            (Frequency::Months(count), RollRule::NthWeekday { nth, weekday }) => {
                weekday_step(seed, i64::from(count.get()), nth, weekday)
            }
            (_, RollRule::NthWeekday { .. }) => {
                return Err(CalendarError::Contradiction {
                    reason: "Only a frequency of whole months can fall on an n-th weekday.",
                });
            }
            (Frequency::Months(count), _) => {
                let at_end = roll == RollRule::LastDay && is_last_day_of_month(seed);
                Step::Months {
                    index: month_index(seed),
                    months: i64::from(count.get()),
                    day: if at_end { 31 } else { seed.day() },
                    carry: u32::from(roll == RollRule::FirstDayOfNextMonth),
                }
            }
            (Frequency::SemiMonthly(days), _) => halves_step(seed, days, roll),
            (Frequency::Days(count), _) => Step::Days(i64::from(count.get())),
            (Frequency::Weeks(count), _) => Step::Days(i64::from(count.get()) * 7),
        };
        Ok(Self { seed: day_of_seed, step })
    }

    /// Day number of the `n`-th date; the seed for 0, dates before it for a negative `n`.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`].
    pub fn day_number(&self, n: i64) -> Result<i32, CalendarError> {
        if n == 0 {
            return Ok(self.seed);
        }
        match self.step {
            Step::Days(days) => {
                let day = n.saturating_mul(days).saturating_add(i64::from(self.seed));
                match i32::try_from(day) {
                    Ok(day) => in_range(day),
                    Err(_) => Err(CalendarError::OutOfRange { year: day / 365 + 1970 }),
                }
            }
            Step::Months { index, months, day, carry } => {
                day_in_month(n.saturating_mul(months).saturating_add(index), day, carry)
            }
            Step::Weekday { index, months, nth, weekday, skip } => {
                let n = if skip.signum() == n.signum() { n - skip } else { n };
                weekday_in_month(n.saturating_mul(months).saturating_add(index), nth, weekday)
            }
            Step::Halves { half, days, on_grid } => {
                let n = if n < 0 && !on_grid { n + 1 } else { n };
                day_in_half(half.saturating_add(n), days)
            }
        }
    }

    /// The `n`-th date.
    ///
    /// # Errors
    /// As [`Self::day_number`].
    pub fn date(&self, n: i64) -> Result<NaiveDate, CalendarError> {
        date_of(self.day_number(n)?)
    }
}

/// The `n`-th date of a series after its seed: the seed for 0, earlier dates for a negative `n`.
///
/// # Errors
/// As [`Recurrence::new`] and [`Recurrence::day_number`].
pub fn nth_date(
    seed: NaiveDate,
    frequency: Frequency,
    roll: RollRule,
    n: i64,
) -> Result<NaiveDate, CalendarError> {
    Recurrence::new(seed, frequency, roll)?.date(n)
}

/// Months since January of year 0.
fn month_index(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month0())
}

/// Year and month, from 1, of a month index.
fn month_of(index: i64) -> Result<(i32, u32), CalendarError> {
    let year = index.div_euclid(12);
    match i32::try_from(year) {
        Ok(small) if (YEAR_MIN..=YEAR_MAX).contains(&small) => {
            Ok((small, index.rem_euclid(12) as u32 + 1))
        }
        _ => Err(CalendarError::OutOfRange { year }),
    }
}

fn in_range(day: i32) -> Result<i32, CalendarError> {
    if (DAY_NUMBER_MIN..=DAY_NUMBER_MAX).contains(&day) {
        Ok(day)
    } else {
        Err(CalendarError::OutOfRange { year: i64::from(day / 365) + 1970 })
    }
}

/// The day of a month, or the last possible one, `carry` days after the last of the month.
fn day_in_month(index: i64, day: u32, carry: u32) -> Result<i32, CalendarError> {
    let (year, month) = month_of(index)?;
    let last = days_in_month(year, month) + carry;
    in_range(day_number_of(year, month, 1) + day.min(last) as i32 - 1)
}

fn weekday_in_month(index: i64, nth: Nth, weekday: u32) -> Result<i32, CalendarError> {
    let (year, month) = month_of(index)?;
    let first = day_number_of(year, month, 1);
    let weeks = match nth {
        Nth::First => 0,
        Nth::Second => 1,
        Nth::Third => 2,
        Nth::Fourth => 3,
        Nth::Last => {
            let last = first + days_in_month(year, month) as i32 - 1;
            return Ok(last - (weekday_of(last) - weekday as i32).rem_euclid(7));
        }
    };
    Ok(first + (weekday as i32 - weekday_of(first)).rem_euclid(7) + weeks * 7)
}

/// The weekday of a day number, 0 for Monday; 1970-01-01 was a Thursday.
fn weekday_of(day: i32) -> i32 {
    (day + 3).rem_euclid(7)
}

fn weekday_step(seed: NaiveDate, months: i64, nth: Nth, weekday: Weekday) -> Step {
    let index = month_index(seed);
    let weekday = weekday.num_days_from_monday();
    let of_seed_month = weekday_in_month(index, nth, weekday).unwrap_or_default();
    let skip = i64::from((of_seed_month - day_number(seed)).signum());
    Step::Weekday { index, months, nth, weekday, skip }
}

fn halves_step(seed: NaiveDate, days: Option<SemiMonthDays>, roll: RollRule) -> Step {
    let days = days.unwrap_or_else(|| SemiMonthDays::of_seed(seed, roll));
    let first_half = month_index(seed) * 2;
    let seed = day_number(seed);
    // The two days of the seed's month, and failing both the second day of the month before.
    let half = [first_half + 1, first_half]
        .into_iter()
        .find(|&half| day_in_half(half, days).is_ok_and(|day| day <= seed))
        .unwrap_or(first_half - 1);
    let on_grid = day_in_half(half, days) == Ok(seed);
    Step::Halves { half, days, on_grid }
}

/// The day of a half month, two to a month index.
fn day_in_half(half: i64, days: SemiMonthDays) -> Result<i32, CalendarError> {
    let day = if half.rem_euclid(2) == 0 { days.first() } else { days.second() };
    day_in_month(half.div_euclid(2), u32::from(day), 0)
}
