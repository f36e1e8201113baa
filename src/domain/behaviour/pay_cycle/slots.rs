//! The days of a cycle.

use super::cycle::{Cycle, MonthDay, Roll, Rule};
use crate::domain::calendar::BusinessCalendar;
use crate::domain::calendar::civil::{
    DAY_NUMBER_2000_01_01, DAY_NUMBER_MAX, DAY_NUMBER_MIN, civil_of, day_number_of, days_in_month,
};

/// Most days by which a pay day is rolled: longer closures than this are no holidays.
pub(super) const ROLL_MAX: i32 = 15;

/// A pay day by the rule, and when money comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) nominal: i32,
    pub(super) day: i32,
}

/// The business day a day is rolled to.
pub(super) fn rolled(calendar: &BusinessCalendar, day: i32, roll: Roll) -> i32 {
    let step = match roll {
        Roll::Unrolled => return day,
        Roll::Preceding => -1,
        Roll::Following => 1,
    };
    (0..=ROLL_MAX).map(|n| day + n * step).find(|d| calendar.is_business(*d)).unwrap_or(day)
}

/// Day number of the first day of a month counted from year 0.
fn month_start(month: i32) -> i32 {
    day_number_of(month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 1)
}

/// The month of a day, counted from year 0.
pub(super) fn month_of(day: i32) -> i32 {
    let (year, month, _) = civil_of(day);
    year * 12 + month as i32 - 1
}

/// The weekday of a day, 0 for Monday.
pub(super) fn weekday_of(day: i32) -> i32 {
    (day - DAY_NUMBER_2000_01_01 + 5).rem_euclid(7)
}

/// A day of a month that may have fewer days.
fn clipped(month: i32, day: u8) -> i32 {
    let length = days_in_month(month.div_euclid(12), month.rem_euclid(12) as u32 + 1);
    month_start(month) + (u32::from(day).min(length)) as i32 - 1
}

fn day_in(calendar: &BusinessCalendar, month: i32, on: MonthDay) -> i32 {
    match on {
        MonthDay::Day(day) => clipped(month, day),
        MonthDay::Weekday(weekday, -1) => {
            let last = month_start(month + 1) - 1;
            last - (weekday_of(last) - i32::from(weekday)).rem_euclid(7)
        }
        MonthDay::Weekday(weekday, nth) => {
            let first = month_start(month);
            first
                + (i32::from(weekday) - weekday_of(first)).rem_euclid(7)
                + 7 * (i32::from(nth) - 1)
        }
        MonthDay::Business(nth) => {
            let (mut day, step) = match nth > 0 {
                true => (month_start(month) - 1, 1),
                false => (month_start(month + 1), -1),
            };
            let (mut left, mut most) = (nth.unsigned_abs(), 31);
            while left > 0 && most > 0 {
                day += step;
                most -= 1;
                if calendar.is_business(day) {
                    left -= 1;
                }
            }
            day
        }
    }
}

impl Cycle {
    /// Appends the days of the cycle from one day through another, in order.
    pub(super) fn slots(
        &self,
        calendar: &BusinessCalendar,
        from: i32,
        through: i32,
        into: &mut Vec<Slot>,
    ) {
        let earliest = (from - ROLL_MAX).max(DAY_NUMBER_MIN);
        let latest = (through + ROLL_MAX).min(DAY_NUMBER_MAX);
        let mut push = |nominal: i32| {
            let day = match self.rule.is_business() {
                true => nominal,
                false => rolled(calendar, nominal, self.roll),
            };
            if (from..=through).contains(&day) {
                into.push(Slot { nominal, day });
            }
        };
        match self.rule {
            Rule::Daily => {
                (earliest..=latest).filter(|day| calendar.is_business(*day)).for_each(push);
            }
            Rule::Weeks(weeks, phase) => {
                let step = 7 * i32::from(weeks);
                let first = DAY_NUMBER_2000_01_01 + i32::from(phase);
                let mut day = earliest + (first - earliest).rem_euclid(step);
                while day <= latest {
                    push(day);
                    day += step;
                }
            }
            Rule::Semimonthly(first, second) => {
                for month in month_of(earliest)..=month_of(latest) {
                    push(clipped(month, first));
                    push(clipped(month, second));
                }
            }
            Rule::Months(every, phase, on) => {
                let (every, first) = (i32::from(every), month_of(earliest));
                let mut month = first + (i32::from(phase) - first).rem_euclid(every);
                while month <= month_of(latest) {
                    push(day_in(calendar, month, on));
                    month += every;
                }
            }
        }
    }

    /// The first day of the cycle after a day, if it has one within two years.
    pub(super) fn next_after(&self, calendar: &BusinessCalendar, day: i32) -> Option<Slot> {
        let mut found = Vec::new();
        let reach = match self.rule.mean_gap() {
            gap if gap < 40.0 => 70,
            _ => 800,
        };
        self.slots(calendar, day + 1, day + reach, &mut found);
        found.into_iter().min_by_key(|slot| slot.day)
    }
}
