//! What a price gained over a number of days.

use std::collections::VecDeque;

use super::error::{MarketError, price};

/// Most days back: a century.
pub const DAYS_MAX: i32 = 36_525;

/// The prices of the last days, and the one that counts as the price so many days ago: the last one
/// quoted on or before that day.
#[derive(Clone, Debug)]
pub struct DaysBack {
    days: i32,
    recent: VecDeque<(i32, f64)>,
    before: Option<f64>,
}

impl DaysBack {
    /// Looking so many days back.
    ///
    /// # Errors
    /// A number that is not from 1 to [`DAYS_MAX`].
    pub fn over(days: i32) -> Result<Self, MarketError> {
        if !(1..=DAYS_MAX).contains(&days) {
            return Err(MarketError::OutOfBounds {
                name: "days",
                given: days.to_string(),
                bounds: "from 1 to 36,525",
            });
        }
        Ok(Self { days, recent: VecDeque::new(), before: None })
    }

    /// How many days it looks back.
    pub fn days(&self) -> i32 {
        self.days
    }

    /// Takes in the price of a day, given by its number.
    ///
    /// # Errors
    /// A price that is not finite and greater than zero, or a day before the one before.
    pub fn push(&mut self, value: f64, day: i32) -> Result<(), MarketError> {
        let value = price(value)?;
        let back = self.recent.back().map_or(0, |&(last, _)| i64::from(last) - i64::from(day));
        if back > 0 {
            return Err(MarketError::OutOfOrder { back });
        }
        self.recent.push_back((day, value));
        let due = i64::from(day) - i64::from(self.days);
        while let Some((_, old)) = self.recent.pop_front_if(|(then, _)| i64::from(*then) <= due) {
            self.before = Some(old);
        }
        Ok(())
    }

    /// The price so many days before the last, and the last; None where there is none so old.
    pub fn pair(&self) -> Option<(f64, f64)> {
        Some((self.before?, self.recent.back()?.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_quote_on_or_before_the_day() {
        let mut week = DaysBack::over(7).unwrap();
        for (day, price) in [(0, 10.0), (3, 11.0), (6, 12.0)] {
            week.push(price, day).unwrap();
            assert_eq!(week.pair(), None);
        }
        week.push(13.0, 9).unwrap();
        assert_eq!(week.pair(), Some((10.0, 13.0)));
        week.push(14.0, 10).unwrap();
        assert_eq!(week.pair(), Some((11.0, 14.0)));
        week.push(15.0, 10).unwrap();
        assert_eq!(week.pair(), Some((11.0, 15.0)));
        week.push(20.0, 40).unwrap();
        assert_eq!(week.pair(), Some((15.0, 20.0)));
        assert_eq!(week.push(20.0, 39), Err(MarketError::OutOfOrder { back: 1 }));
        assert!(week.push(0.0, 41).is_err());
        assert!(DaysBack::over(0).is_err());
        assert!(DaysBack::over(i32::MAX).is_err());
    }
}
