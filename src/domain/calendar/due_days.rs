//! Stepping through the dates of a series without allocating and almost without dividing.

use super::civil::{DAY_NUMBER_MAX, day_number_of, days_in_year, is_leap_year};
use super::recurrence::{Recurrence, Step};
use crate::domain::limits::YEAR_MAX;

/// The day numbers of a series in order, from date 1 to the end of the calendar.
///
/// Months are stepped by adding: the first day of the year and the month's place in it are kept,
/// and a table has the rest. That is a few instructions a date, for bulk work such as a schedule of
/// every loan in a book. It ends quietly with the calendar; who needs a number of dates asks
/// [`Recurrence::day_number`] for the last first, which refuses.
#[derive(Clone, Debug)]
pub struct DueDays {
    recurrence: Recurrence,
    /// The date that was given last.
    n: i64,
    cursor: Cursor,
}

#[derive(Clone, Debug)]
enum Cursor {
    Days {
        at: i64,
        step: i64,
    },
    Months(MonthCursor),
    /// Every date is computed on its own.
    Each,
}

#[derive(Clone, Debug)]
struct MonthCursor {
    year: i32,
    /// Day number of 1 January of the year.
    new_year: i32,
    /// Months since January of the year.
    month: usize,
    months: usize,
    day: i32,
    carry: i32,
}

/// Days of the year before each month and after the last, in ordinary and in leap years.
const DAYS_BEFORE: [[i32; 13]; 2] = [
    [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365],
    [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366],
];

impl DueDays {
    pub(super) fn new(recurrence: &Recurrence) -> Self {
        let cursor = match recurrence.step() {
            Step::Days(step) => {
                Cursor::Days { at: i64::from(recurrence.seed()), step: i64::from(step) }
            }
            Step::Months { index, months, day, carry } => {
                let (year, month) = (index.div_euclid(12) as i32, index.rem_euclid(12) as usize);
                Cursor::Months(MonthCursor {
                    year,
                    new_year: day_number_of(year, 1, 1),
                    month,
                    months: months as usize,
                    day: day as i32,
                    carry: carry as i32,
                })
            }
            Step::Weekday { .. } | Step::Halves { .. } => Cursor::Each,
        };
        Self { recurrence: *recurrence, n: 0, cursor }
    }
}

impl MonthCursor {
    fn next(&mut self) -> Option<i32> {
        self.month += self.months;
        while self.month >= 12 {
            if self.year == YEAR_MAX {
                // Stay on the last month, past which nothing comes.
                self.month = usize::MAX - self.months;
                return None;
            }
            self.month -= 12;
            self.new_year += days_in_year(self.year);
            self.year += 1;
        }
        let [first, next] = {
            let table = &DAYS_BEFORE[usize::from(is_leap_year(self.year))];
            [table[self.month], table[self.month + 1]]
        };
        let day = self.day.min(next - first + self.carry);
        Some(self.new_year + first + day - 1).filter(|&day| day <= DAY_NUMBER_MAX)
    }
}

impl Iterator for DueDays {
    type Item = i32;

    #[inline]
    fn next(&mut self) -> Option<i32> {
        match &mut self.cursor {
            Cursor::Months(cursor) => cursor.next(),
            Cursor::Days { at, step } => {
                *at += *step;
                i32::try_from(*at).ok().filter(|&day| day <= DAY_NUMBER_MAX)
            }
            Cursor::Each => {
                self.n += 1;
                self.recurrence.day_number(self.n).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::civil::{DAY_NUMBER_MIN, date_of};
    use super::super::{Frequency, RollRule};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stepping_gives_what_counting_from_the_seed_gives(
            series in super::super::recurrence::tests::any_series(),
        ) {
            for (day, n) in series.day_numbers().take(200).zip(1..) {
                prop_assert_eq!(Ok(day), series.day_number(n));
            }
        }

        #[test]
        fn it_ends_with_the_calendar_and_stays_ended(
            before in 0..5_000_i32, months in 1_u16..30, carry in any::<bool>(),
        ) {
            let seed = date_of(DAY_NUMBER_MAX - before).unwrap();
            let roll = if carry { RollRule::FirstDayOfNextMonth } else { RollRule::SameDay };
            let frequency = Frequency::Months(months.try_into().unwrap());
            let series = Recurrence::new(seed, frequency, roll).unwrap();
            let mut days = series.day_numbers();
            let given = days.by_ref().count() as i64;
            prop_assert!(series.day_number(given).is_ok());
            prop_assert!(series.day_number(given + 1).is_err());
            prop_assert_eq!(days.next(), None);
        }
    }

    #[test]
    fn days_end_with_the_calendar_too() {
        let seed = date_of(DAY_NUMBER_MAX - 3).unwrap();
        let series = Recurrence::new(seed, Frequency::DAILY, RollRule::SameDay).unwrap();
        assert_eq!(series.day_numbers().count(), 3);
        let seed = date_of(DAY_NUMBER_MIN).unwrap();
        let series = Recurrence::new(seed, Frequency::MONTHLY, RollRule::SameDay).unwrap();
        assert_eq!(series.day_numbers().count(), 9_999 * 12 - 1);
    }
}
