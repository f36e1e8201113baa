//! The times of a contract: days, at their beginning or at their end.

use std::fmt;

use chrono::{Datelike, NaiveDate};

use crate::domain::limits::{YEAR_MAX, YEAR_MIN};

/// A time of a contract: a day, at its beginning (`T00:00:00`) or at its end.
///
/// The standard counts whole days. The end of a day, `T24:00:00`, may be written `T23:59:59`
/// (technical specification, section 2.8) and is the same instant as the beginning of the next
/// day, so interest runs to that day. In order, though, it stays before it: a redemption at the
/// end of 31 December is not one on 1 January.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContractTime {
    date: NaiveDate,
    end_of_day: bool,
}

impl ContractTime {
    /// The beginning of a day.
    pub const fn start_of(date: NaiveDate) -> Self {
        Self { date, end_of_day: false }
    }

    /// The end of a day.
    pub const fn end_of(date: NaiveDate) -> Self {
        Self { date, end_of_day: true }
    }

    /// The day it falls on.
    pub const fn date(self) -> NaiveDate {
        self.date
    }

    /// Whether it is the end of its day.
    pub const fn is_end_of_day(self) -> bool {
        self.end_of_day
    }

    /// The day from which or to which interest counts: the next day for the end of a day.
    pub fn accrual_date(self) -> NaiveDate {
        if self.end_of_day { self.date.succ_opt().unwrap_or(self.date) } else { self.date }
    }

    /// The same time of another day.
    pub const fn on(self, date: NaiveDate) -> Self {
        Self { date, end_of_day: self.end_of_day }
    }

    /// Reads `2013-01-31`, `2013-01-31T00:00` or `2013-01-31T00:00:00`, and for the end of the day
    /// `T23:59:59`, `T24:00` or `T24:00:00`.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence about the value.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (day, time) = match text.split_once('T') {
            Some((day, time)) => (day, Some(time)),
            None => (text, None),
        };
        let date = NaiveDate::parse_from_str(day, "%Y-%m-%d")
            .ok()
            .filter(|date| day.len() == 10 && (YEAR_MIN..=YEAR_MAX).contains(&date.year()))
            .ok_or("is not a time such as 2013-01-31T00:00:00")?;
        match time {
            None | Some("00:00" | "00:00:00") => Ok(Self::start_of(date)),
            Some("23:59:59" | "24:00" | "24:00:00") => Ok(Self::end_of(date)),
            Some(_) => Err("must be the beginning (T00:00:00) or end (T24:00:00) of a day, \
                            without a time zone"
                .into()),
        }
    }
}

impl fmt::Display for ContractTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = if self.end_of_day { "T23:59:59" } else { "T00:00:00" };
        write!(f, "{}{time}", self.date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_the_beginning_and_end_of_a_day_is_read() {
        for text in ["2013-12-31", "2013-12-31T00:00", " 2013-12-31T00:00:00 "] {
            assert_eq!(ContractTime::parse(text).unwrap().to_string(), "2013-12-31T00:00:00");
        }
        for text in ["2013-12-31T23:59:59", "2013-12-31T24:00", "2013-12-31T24:00:00"] {
            let time = ContractTime::parse(text).unwrap();
            assert_eq!(time.to_string(), "2013-12-31T23:59:59");
            assert_eq!(time.accrual_date().to_string(), "2014-01-01");
            assert!(time > ContractTime::start_of(time.date()));
            assert!(time < ContractTime::start_of(time.accrual_date()));
        }
    }

    #[test]
    fn what_is_no_whole_day_is_refused() {
        for text in [
            "",
            "2013-02-29",
            "2013-1-1",
            "20130101",
            "0000-01-01",
            "10000-01-01",
            "2013-01-01T12:00:00",
            "2013-01-01T00:00:00Z",
            "2013-01-01 00:00:00",
        ] {
            assert!(ContractTime::parse(text).is_err(), "{text}");
        }
    }
}
