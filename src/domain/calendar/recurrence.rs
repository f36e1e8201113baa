//! The n-th date of a series that starts at a seed.
//!
//! Every date is counted from the seed and never from the date before it, so 31 January is
//! followed by 28 February and then by 31 March.

use chrono::{Datelike, NaiveDate, Weekday};

use super::civil::{
    DAY_NUMBER_MAX, DAY_NUMBER_MIN, check_range, date_of, day_number, day_number_of, days_in_month,
    is_last_day_of_month, month_index,
};
use super::{CalendarError, DueDays, Frequency, Nth, RollRule, SemiMonthDays};
use crate::domain::limits::{YEAR_MAX, YEAR_MIN};

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
    Days(i32),
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
                    index: i64::from(month_index(seed)),
                    months: i64::from(count.get()),
                    day: if at_end { 31 } else { seed.day() },
                    carry: u32::from(roll == RollRule::FirstDayOfNextMonth),
                }
            }
            (Frequency::SemiMonthly(days), _) => halves_step(seed, days, roll),
            (Frequency::Days(count), _) => Step::Days(i32::from(count.get())),
            (Frequency::Weeks(count), _) => Step::Days(i32::from(count.get()) * 7),
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
                let day = n.saturating_mul(i64::from(days)).saturating_add(i64::from(self.seed));
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
        if let Step::Months { index, months, day, carry: 0 } = self.step {
            // Year, month and day are at hand, so no day number need be taken apart.
            let (year, month) = month_of(n.saturating_mul(months).saturating_add(index))?;
            let day = day.min(days_in_month(year, month));
            let refusal = CalendarError::OutOfRange { year: i64::from(year) };
            return NaiveDate::from_ymd_opt(year, month, day).ok_or(refusal);
        }
        date_of(self.day_number(n)?)
    }
}

impl Recurrence {
    /// The first `n` whose date is after a day number: 1 for the seed itself. It may be one that
    /// the calendar does not reach, which [`Self::day_number`] then refuses.
    pub fn first_after(&self, day: i32) -> i64 {
        let is_after = |n: i64| self.day_number(n).map_or(n > 0, |date| date > day);
        let apart = i64::from(day) - i64::from(self.seed);
        // The guess errs towards the seed, by one date in fifty.
        let mut n = match self.step {
            Step::Days(days) => apart.div_euclid(i64::from(days)),
            Step::Months { months, .. } | Step::Weekday { months, .. } => apart / (months * 31),
            Step::Halves { .. } => apart / 16,
        };
        while is_after(n) {
            n -= 1;
        }
        while !is_after(n) {
            n += 1;
        }
        n
    }

    /// The day numbers of dates 1, 2, 3 and so on, to the end of the calendar.
    pub fn day_numbers(&self) -> DueDays {
        DueDays::new(self)
    }

    /// Whether the seed is a date that the rule gives: always, unless an n-th weekday or two given
    /// days of the month prescribe others.
    pub const fn seed_is_by_rule(&self) -> bool {
        match self.step {
            Step::Days(_) | Step::Months { .. } => true,
            Step::Weekday { skip, .. } => skip == 0,
            Step::Halves { on_grid, .. } => on_grid,
        }
    }

    /// Day number of the seed.
    pub const fn seed(&self) -> i32 {
        self.seed
    }

    /// The dates' rule, for what steps through it.
    pub(super) const fn step(&self) -> Step {
        self.step
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
    let index = i64::from(month_index(seed));
    let weekday = weekday.num_days_from_monday();
    let of_seed_month = weekday_in_month(index, nth, weekday).unwrap_or_default();
    let skip = i64::from((of_seed_month - day_number(seed)).signum());
    Step::Weekday { index, months, nth, weekday, skip }
}

fn halves_step(seed: NaiveDate, days: Option<SemiMonthDays>, roll: RollRule) -> Step {
    let days = days.unwrap_or_else(|| SemiMonthDays::of_seed(seed, roll));
    let first_half = i64::from(month_index(seed)) * 2;
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn dates(seed: &str, frequency: &str, roll: &str, n: std::ops::RangeInclusive<i64>) -> String {
        let (frequency, roll) =
            (Frequency::parse(frequency).unwrap(), RollRule::parse(roll).unwrap());
        n.map(|n| nth_date(d(seed), frequency, roll, n).unwrap().format("%y%m%d").to_string())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn a_seed_at_a_month_end_is_never_lost() {
        for (seed, frequency, roll, want) in [
            ("2023-01-31", "monthly", "same_day", "230228 230331 230430 230531"),
            ("2023-01-31", "monthly", "first_day_of_next_month", "230301 230331 230501 230531"),
            ("2023-04-30", "monthly", "same_day", "230530 230630 230730 230830"),
            ("2023-04-30", "monthly", "last_day", "230531 230630 230731 230831"),
            ("2023-04-29", "monthly", "last_day", "230529 230629 230729 230829"),
            ("2024-02-29", "annual", "same_day", "250228 260228 270228 280229"),
            ("2023-02-28", "annual", "last_day", "240229 250228 260228 270228"),
            ("2023-11-30", "quarterly", "last_day", "240229 240531 240831 241130"),
            ("2024-01-15", "semimonthly", "same_day", "240130 240215 240229 240315"),
            ("2024-01-31", "semimonthly", "same_day", "240216 240229 240316 240331"),
            ("2024-01-31", "semimonthly", "last_day", "240215 240229 240315 240331"),
            ("2024-01-03", "semimonthly 1,15", "same_day", "240115 240201 240215 240301"),
            ("2024-01-16", "semimonthly 15,last", "same_day", "240131 240215 240229 240315"),
            ("2024-01-01", "monthly", "second tuesday", "240109 240213 240312 240409"),
            ("2024-01-09", "monthly", "second tuesday", "240213 240312 240409 240514"),
            ("2024-01-10", "monthly", "second tuesday", "240213 240312 240409 240514"),
            ("2024-01-01", "bimonthly", "last friday", "240126 240329 240531 240726"),
            ("2024-02-28", "every 15 days", "same_day", "240314 240329 240413 240428"),
            ("2023-12-25", "biweekly", "last_day", "240108 240122 240205 240219"),
        ] {
            assert_eq!(dates(seed, frequency, roll, 1..=4), want, "{seed} {frequency} {roll}");
        }
    }

    #[test]
    fn dates_go_back_from_the_seed_as_well() {
        for (seed, frequency, roll, want) in [
            ("2023-05-31", "monthly", "same_day", "230331 230430 230531"),
            ("2024-01-10", "monthly", "second tuesday", "231212 240109 240110"),
            ("2024-01-01", "monthly", "second tuesday", "231114 231212 240101"),
            ("2024-01-03", "semimonthly 1,15", "same_day", "231215 240101 240103"),
            ("2024-01-15", "semimonthly 1,15", "same_day", "240101 240115 240201"),
        ] {
            let n = if want.ends_with("240201") { -1..=1 } else { -2..=0 };
            assert_eq!(dates(seed, frequency, roll, n), want, "{seed} {frequency} {roll}");
        }
    }

    #[test]
    fn a_weekly_date_cannot_be_the_second_tuesday() {
        let roll = RollRule::parse("second tuesday").unwrap();
        assert!(matches!(
            nth_date(d("2024-01-01"), Frequency::WEEKLY, roll, 1),
            Err(CalendarError::Contradiction { .. })
        ));
        for n in [i64::MAX, i64::MIN, 96_000, -25_000] {
            assert!(matches!(
                nth_date(d("2024-01-01"), Frequency::MONTHLY, RollRule::SameDay, n),
                Err(CalendarError::OutOfRange { .. })
            ));
        }
    }

    pub(crate) fn any_series() -> impl Strategy<Value = Recurrence> {
        let frequency = proptest::sample::select(vec![
            "daily",
            "weekly",
            "biweekly",
            "every 15 days",
            "semimonthly",
            "semimonthly 1,15",
            "semimonthly 15,last",
            "semimonthly 27,30",
            "monthly",
            "bimonthly",
            "quarterly",
            "annual",
            "every 7 months",
            "every 400 days",
        ]);
        let roll = proptest::sample::select(vec![
            "same_day",
            "last_day",
            "first_day_of_next_month",
            "first monday",
            "last sunday",
        ]);
        let seed = DAY_NUMBER_MIN + 400_000..DAY_NUMBER_MAX - 400_000;
        (seed, frequency, roll).prop_filter_map("no such weekday", |(seed, frequency, roll)| {
            let frequency = Frequency::parse(frequency).unwrap();
            let roll = RollRule::parse(roll).unwrap();
            Recurrence::new(date_of(seed).unwrap(), frequency, roll).ok()
        })
    }

    proptest! {
        #[test]
        fn every_date_is_later_than_the_one_before(series in any_series(), n in -300_i64..300) {
            let (this, next) = (series.day_number(n).unwrap(), series.day_number(n + 1).unwrap());
            prop_assert!(this < next);
            prop_assert_eq!(series.first_after(this), n + 1);
            prop_assert_eq!(series.first_after(next - 1), n + 1);
            prop_assert_eq!(series.day_number(0), Ok(series.seed()));
        }

        #[test]
        fn on_the_same_day_is_adding_months(
            seed in 0..30_000_i32, months in 1_u16..40, n in -50_i64..50,
        ) {
            let seed = date_of(seed).unwrap();
            let frequency = Frequency::every(i64::from(months), super::super::FrequencyUnit::Month);
            let dated = nth_date(seed, frequency.unwrap(), RollRule::SameDay, n);
            prop_assert_eq!(dated, super::super::add_months(seed, n * i64::from(months)));
        }
    }
}
