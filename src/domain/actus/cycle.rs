//! Periods and cycles: how far the next date is, and what to do with what is left at the end.

use chrono::NaiveDate;

use crate::domain::calendar::{CalendarError, add_days, add_months};

/// Most days or months a period may have: four centuries of days.
const PERIOD_MAX: u32 = 146_097;

/// A length of time in calendar days or calendar months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Days; a week is seven.
    Days(u32),
    /// Months; a quarter is three, a half year six, a year twelve.
    Months(u32),
}

impl Period {
    /// Reads an ISO 8601 duration of days and weeks, or of months and years, such as `P10D`,
    /// `P2W`, `P3M`, `P1Y6M`; the standard's quarters (`P1Q`) and half years (`P1H`) too.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence about the value.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "is not a period such as P10D, P2W, P1M, P1Q or P1Y".to_owned();
        let mut rest = text.trim().strip_prefix('P').filter(|r| !r.is_empty()).ok_or_else(wrong)?;
        let (mut days, mut months, mut in_days, mut in_months) = (0u32, 0u32, false, false);
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, tail) = rest.split_at_checked(digits).ok_or_else(wrong)?;
            let count = number.parse().ok().filter(|n| *n <= PERIOD_MAX).ok_or_else(wrong)?;
            let mut letters = tail.chars();
            let (total, factor, used) = match letters.next() {
                Some('D') => (&mut days, 1, &mut in_days),
                Some('W') => (&mut days, 7, &mut in_days),
                Some('M') => (&mut months, 1, &mut in_months),
                Some('Q') => (&mut months, 3, &mut in_months),
                Some('H') => (&mut months, 6, &mut in_months),
                Some('Y') => (&mut months, 12, &mut in_months),
                _ => return Err(wrong()),
            };
            let count: u32 = count;
            *total = total
                .checked_add(count * factor)
                .filter(|n| *n <= PERIOD_MAX)
                .ok_or("is too long")?;
            *used = true;
            rest = letters.as_str();
        }
        match (in_days, in_months) {
            (true, false) => Ok(Self::Days(days)),
            (false, true) => Ok(Self::Months(months)),
            _ => Err("mixes days with months, which have no fixed length in days".into()),
        }
    }

    /// Whether it has no length.
    pub const fn is_zero(self) -> bool {
        matches!(self, Self::Days(0) | Self::Months(0))
    }

    /// The date `count` periods after `date`, counted from `date` itself so that a month end
    /// clipped in February comes back in March.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`].
    pub fn after(self, date: NaiveDate, count: i64) -> Result<NaiveDate, CalendarError> {
        match self {
            Self::Days(days) => add_days(date, i64::from(days).saturating_mul(count)),
            Self::Months(months) => add_months(date, i64::from(months).saturating_mul(count)),
        }
    }
}

/// What becomes of the days between the last whole cycle and the end of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stub {
    /// They make the last period longer: the last date before the end is left out (`L0`).
    Long,
    /// They are a shorter last period of their own (`L1`).
    Short,
}

/// A recurring period with its stub, such as `P1ML0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The length between two dates.
    pub period: Period,
    /// What happens at the end.
    pub stub: Stub,
}

impl Cycle {
    /// Reads a period with its stub: `P1ML0` for months with a long last one, `P1ML1` for months
    /// with a short last one.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence about the value.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = "is not a cycle such as P1ML0 (long last period) or P1ML1 (short last period)";
        let (period, stub) = text
            .strip_suffix("L0")
            .map(|period| (period, Stub::Long))
            .or_else(|| text.strip_suffix("L1").map(|period| (period, Stub::Short)))
            .ok_or(wrong)?;
        let period = Period::parse(period)?;
        if period.is_zero() {
            return Err("has no length, so it would never end".into());
        }
        Ok(Self { period, stub })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up_to_days_or_months() {
        for (text, period) in [
            ("P31D", Period::Days(31)),
            ("P2W", Period::Days(14)),
            ("P1Q", Period::Months(3)),
            ("P1H", Period::Months(6)),
            ("P1Y6M", Period::Months(18)),
            ("P0D", Period::Days(0)),
        ] {
            assert_eq!(Period::parse(text), Ok(period), "{text}");
        }
        for text in ["", "P", "1M", "P1", "PM", "P1X", "P1M1D", "P-1M", "P99999999999M", "P146097W"]
        {
            assert!(Period::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_cycle_says_what_its_last_period_is() {
        assert_eq!(
            Cycle::parse("P3ML1"),
            Ok(Cycle { period: Period::Months(3), stub: Stub::Short })
        );
        assert_eq!(
            Cycle::parse(" P10DL0"),
            Ok(Cycle { period: Period::Days(10), stub: Stub::Long })
        );
        for text in ["P1M", "P1ML", "P1ML2", "P0DL0", "1ML1", "L0"] {
            assert!(Cycle::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn month_ends_are_counted_from_the_anchor() {
        let anchor = NaiveDate::from_ymd_opt(2013, 1, 31).unwrap();
        let month = Period::Months(1);
        let days: Vec<String> =
            (0..4).map(|n| month.after(anchor, n).unwrap().to_string()).collect();
        assert_eq!(days, ["2013-01-31", "2013-02-28", "2013-03-31", "2013-04-30"]);
    }
}
