//! Interest per day: what a balance costs from one day to the next.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::CashflowError;
use super::compounding::check_rate;
use crate::domain::calendar::{DayCount, civil};
use crate::domain::decimal::{self, div, mul};
use crate::domain::money::RoundingMode;

/// By how many days the annual rate is divided to give the rate of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DayBasis {
    /// Always so many days: 360, 364, 365 or 366.
    Fixed(u16),
    /// 365.25 days.
    JulianYear,
    /// The days of the calendar year the day lies in: 365 or 366.
    CalendarYear,
}

impl DayBasis {
    /// The basis of a day count: 360 for `ACT/360` and the `30/360` family, 365 for `ACT/365F`,
    /// the days of the year for `ACT/ACT ISDA` and the others that look at leap years.
    ///
    /// # Errors
    /// [`CashflowError::NoPerDiem`] for `1/1`, `BUS/252` and `ACT/ACT ICMA`, under which the worth
    /// of a day hangs on more than its date.
    pub fn of(day_count: DayCount) -> Result<Self, CashflowError> {
        Ok(match day_count {
            DayCount::Act360
            | DayCount::Nl360
            | DayCount::Thirty360Isda
            | DayCount::Thirty360Us
            | DayCount::Thirty360UsFlag
            | DayCount::Thirty360Psa
            | DayCount::ThirtyE360
            | DayCount::ThirtyE360Isda
            | DayCount::ThirtyEPlus360
            | DayCount::Thirty360Italian => Self::Fixed(360),
            DayCount::Act365Fixed
            | DayCount::Act365Canadian
            | DayCount::Nl365
            | DayCount::Thirty365
            | DayCount::ThirtyE365 => Self::Fixed(365),
            DayCount::Act364 => Self::Fixed(364),
            DayCount::Act366 => Self::Fixed(366),
            DayCount::Act336 | DayCount::TwentyEightE336 => Self::Fixed(336),
            DayCount::Act36525 => Self::JulianYear,
            DayCount::ActActIsda
            | DayCount::ActActAfb
            | DayCount::ActActYear
            | DayCount::Act365Actual
            | DayCount::Act365L => Self::CalendarYear,
            DayCount::OneOne | DayCount::ActActIcma | DayCount::Bus252 => {
                return Err(CashflowError::NoPerDiem { convention: day_count.name() });
            }
        })
    }

    /// The number of days the rate is divided by on a day.
    fn days(self, on: NaiveDate) -> Decimal {
        match self {
            Self::Fixed(days) => Decimal::from(days),
            Self::JulianYear => Decimal::new(36_525, 2),
            Self::CalendarYear => Decimal::from(civil::days_in_year(on.year())),
        }
    }
}

/// The interest of one day on a balance, not rounded: `balance * annual_rate / days`, multiplied
/// first and divided once.
///
/// It allocates nothing and takes one multiplication and one division, for batches over many
/// loans. A negative balance, which the lender owes, bears negative interest.
///
/// # Errors
/// [`CashflowError::RateTooLow`] at or below minus one, [`CashflowError::RateTooHigh`], and
/// [`CashflowError::Arithmetic`] for a product that does not fit or a basis of no days.
pub fn daily_interest(
    balance: Decimal,
    annual_rate: Decimal,
    basis: DayBasis,
    on: NaiveDate,
) -> Result<Decimal, CashflowError> {
    check_rate(annual_rate)?;
    Ok(div(mul(balance, annual_rate)?, basis.days(on))?)
}

/// [`daily_interest`] rounded to the minor unit, as a lender that posts interest every day does.
///
/// Rounding each day drifts from the interest of the period by up to half a minor unit a day; a
/// lender that must not drift accrues the unrounded figure and rounds when it posts.
///
/// # Errors
/// As [`daily_interest`].
pub fn daily_interest_rounded(
    balance: Decimal,
    annual_rate: Decimal,
    basis: DayBasis,
    on: NaiveDate,
    mode: RoundingMode,
    minor_units: u32,
) -> Result<Decimal, CashflowError> {
    let exact = daily_interest(balance, annual_rate, basis, on)?;
    Ok(decimal::round(exact, minor_units, mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::day_count_names;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn day(year: i32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, 2, 28).unwrap()
    }

    /// The per diem of a mortgage closing statement: 200,000 at 4.5 per cent is 24.66 a day on 365
    /// days and 25.00 on 360.
    #[test]
    fn per_diem_of_a_closing_statement() {
        let per_day = |count, year| {
            let basis = DayBasis::of(count).unwrap();
            daily_interest_rounded(
                d("200000"),
                d("0.045"),
                basis,
                day(year),
                RoundingMode::HalfUp,
                2,
            )
            .unwrap()
        };
        assert_eq!(per_day(DayCount::Act365Fixed, 2024), d("24.66"));
        assert_eq!(per_day(DayCount::Thirty360Us, 2024), d("25.00"));
        assert_eq!(per_day(DayCount::ActActIsda, 2024), d("24.59"));
        assert_eq!(per_day(DayCount::ActActIsda, 2023), d("24.66"));
        assert_eq!(per_day(DayCount::Act36525, 2023), d("24.64"));
    }

    #[test]
    fn a_tie_stays_a_tie() {
        // 4.50 at 10 per cent over 360 is 0.00125 exactly.
        let basis = DayBasis::Fixed(360);
        assert_eq!(daily_interest(d("4.50"), d("0.1"), basis, day(2023)).unwrap(), d("0.00125"));
        let rounded =
            |mode| daily_interest_rounded(d("4.50"), d("0.1"), basis, day(2023), mode, 4).unwrap();
        assert_eq!(rounded(RoundingMode::HalfUp), d("0.0013"));
        assert_eq!(rounded(RoundingMode::HalfEven), d("0.0012"));
    }

    #[test]
    fn every_day_count_has_a_basis_or_says_that_it_has_none() {
        let without: Vec<_> = day_count_names()
            .iter()
            .filter(|row| DayBasis::of(row.convention).is_err())
            .map(|row| row.name)
            .collect();
        assert_eq!(without, ["1/1", "ACT/ACT ICMA", "BUS/252"]);
        assert!(daily_interest(d("1"), d("-1"), DayBasis::Fixed(365), day(2023)).is_err());
        assert!(daily_interest(d("1"), d("0.1"), DayBasis::Fixed(0), day(2023)).is_err());
        let largest = Decimal::MAX;
        assert!(daily_interest(largest, d("2"), DayBasis::Fixed(365), day(2023)).is_err());
    }

    proptest! {
        #[test]
        fn a_year_of_days_is_the_annual_interest(cents in -10_000_000_000i64..10_000_000_000, rate in 0i64..5_000) {
            let (balance, rate) = (Decimal::new(cents, 2), Decimal::new(rate, 4));
            let one = daily_interest(balance, rate, DayBasis::CalendarYear, day(2024)).unwrap();
            prop_assert!((one * d("366") - balance * rate).abs() < Decimal::new(1, 15));
        }
    }
}
