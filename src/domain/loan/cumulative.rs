//! The periodic rate of the cumulative family.
//!
//! Classic lending systems compute with one rate a period, not with the factors of the actual
//! dates: the instalment from the rate of a regular period, the interest of each period from the
//! days or periods between its dates. "Actual" days in the year are always 365 here, leap year or
//! not.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::ScheduleError;
use super::basis::{Basis, Measure, Span, days, regular_units};
use super::terms::{DaysInMonth, DaysInYear, InterestPeriod};
use crate::domain::calendar::Frequency;
use crate::domain::decimal;

/// Days that count as a regular period, months with thirty.
fn regular_days(frequency: Frequency) -> i64 {
    match frequency {
        Frequency::Days(count) => i64::from(count.get()),
        Frequency::Weeks(count) => i64::from(count.get()) * 7,
        Frequency::SemiMonthly(_) => 15,
        Frequency::Months(count) => i64::from(count.get()) * 30,
    }
}

impl Basis<'_> {
    /// The rate of a regular period, from which the instalment follows.
    pub(crate) fn regular_rate(&self, annual_rate: Decimal) -> Result<Decimal, ScheduleError> {
        let context = self.context;
        if self.interest.day_count.is_some() {
            let period = self.frequency.period_of_year().to_decimal()?;
            return Ok(context.mul(context.round(annual_rate)?, context.round(period)?)?);
        }
        let part = self.part_of_annual_rate(annual_rate)?;
        Ok(match self.interest.period {
            InterestPeriod::Daily => {
                context.mul(part, Decimal::from(regular_days(self.frequency)))?
            }
            InterestPeriod::SameAsRepayment => decimal::mul(part, regular_units(self.frequency))?,
        })
    }

    /// The rate of a stretch of a period.
    pub(crate) fn periodic_rate(
        &self,
        annual_rate: Decimal,
        measure: &Measure,
        span: &Span,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Decimal, ScheduleError> {
        let context = self.context;
        if annual_rate.is_zero() || from >= until {
            return Ok(Decimal::ZERO);
        }
        if let Some(day_count) = self.interest.day_count {
            let fraction = self.standard_fraction(day_count, span, from, until)?;
            return Ok(context.mul(context.round(annual_rate)?, fraction)?);
        }
        let part = self.part_of_annual_rate(annual_rate)?;
        if self.interest.period == InterestPeriod::SameAsRepayment {
            let whole_period = from == span.start && until == span.due;
            let units = if whole_period && !self.interest.partial_periods {
                regular_units(self.frequency)
            } else {
                measure.between(from, until)?
            };
            return Ok(decimal::mul(part, units)?);
        }
        Ok(context.mul(part, self.counted_days(measure, from, until)?)?)
    }

    /// Days between two dates, months with as many as the terms say.
    fn counted_days(
        &self,
        measure: &Measure,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Decimal, ScheduleError> {
        let of_month = match self.frequency {
            Frequency::Months(_) => 30,
            Frequency::SemiMonthly(_) => 15,
            Frequency::Days(_) | Frequency::Weeks(_) => 0,
        };
        if self.interest.days_in_month == DaysInMonth::Actual || of_month == 0 {
            return Ok(Decimal::from(days(from, until)));
        }
        Ok(self.context.mul(measure.between(from, until)?, Decimal::from(of_month))?)
    }

    /// The annual rate over the days or periods of a year.
    fn part_of_annual_rate(&self, annual_rate: Decimal) -> Result<Decimal, ScheduleError> {
        let year_days = match self.interest.days_in_year {
            DaysInYear::D360 => 360,
            DaysInYear::D364 => 364,
            DaysInYear::D365 | DaysInYear::Actual => 365,
        };
        let parts = match (self.interest.period, self.frequency) {
            (InterestPeriod::Daily, _) | (_, Frequency::Days(_)) => year_days,
            (_, Frequency::Weeks(_)) => 52,
            (_, Frequency::SemiMonthly(_)) => 24,
            (_, Frequency::Months(_)) => 12,
        };
        Ok(self.context.div(annual_rate, Decimal::from(parts))?)
    }

    /// The flat rate of a whole term of `periods` regular periods between two dates.
    pub(crate) fn rate_of_term(
        &self,
        annual_rate: Decimal,
        measure: &Measure,
        from: NaiveDate,
        until: NaiveDate,
        periods: u32,
    ) -> Result<Decimal, ScheduleError> {
        if let Some(day_count) = self.interest.day_count {
            let term = Span { start: from, due: until, units: regular_units(self.frequency) };
            let fraction = self.standard_fraction(day_count, &term, from, until)?;
            return Ok(self.context.mul(self.context.round(annual_rate)?, fraction)?);
        }
        let part = self.part_of_annual_rate(annual_rate)?;
        let count = match self.interest.period {
            InterestPeriod::Daily => self.counted_days(measure, from, until)?,
            InterestPeriod::SameAsRepayment if self.interest.partial_periods => {
                measure.between(from, until)?
            }
            InterestPeriod::SameAsRepayment => {
                decimal::mul(regular_units(self.frequency), Decimal::from(periods))?
            }
        };
        Ok(decimal::mul(part, count)?)
    }
}
