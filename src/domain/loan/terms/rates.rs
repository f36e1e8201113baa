//! Rates: how they are quoted, and how they change.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::{CalendarError, Frequency, add_days};
use crate::domain::decimal::{self, ArithmeticError};

/// A new annual rate from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateChange {
    /// The first day that bears the new rate: interest from the evening before.
    pub from: NaiveDate,
    /// The annual rate as a fraction.
    pub annual_rate: Decimal,
}

/// A value of an index from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixing {
    /// The first day that bears the rate set by this fixing.
    pub from: NaiveDate,
    /// The index as a fraction.
    pub value: Decimal,
}

/// A rate set by an index: `multiplier` × index + `spread`, held first between the lifetime
/// `floor` and `cap`, and moved at one fixing by no more than the periodic ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexedRate {
    /// Added to the index, as a fraction.
    #[serde(default)]
    pub spread: Decimal,
    /// The index is multiplied by this.
    #[serde(default = "one")]
    pub multiplier: Decimal,
    /// The rate never exceeds this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Decimal>,
    /// The rate never falls below this; by default zero.
    #[serde(default)]
    pub floor: Decimal,
    /// The rate rises by no more than this from one fixing to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub periodic_cap: Option<Decimal>,
    /// The rate falls by no more than this from one fixing to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub periodic_floor: Option<Decimal>,
    /// The index on the days the rate is set anew, in order of date.
    pub fixings: Vec<Fixing>,
}

impl IndexedRate {
    /// The rate each fixing sets, from `annual_rate` on: the movement is held between the periodic
    /// bounds, then the rate between the lifetime ones (ACTUS, event RR).
    ///
    /// # Errors
    /// [`ArithmeticError`] for indices out of range.
    pub fn changes(&self, annual_rate: Decimal) -> Result<Vec<RateChange>, ArithmeticError> {
        let mut rate = annual_rate;
        let mut changes = Vec::with_capacity(self.fixings.len());
        for fixing in &self.fixings {
            let wanted = decimal::add(decimal::mul(fixing.value, self.multiplier)?, self.spread)?;
            let mut movement = decimal::sub(wanted, rate)?;
            if let Some(most) = self.periodic_cap {
                movement = movement.min(most);
            }
            if let Some(most) = self.periodic_floor {
                movement = movement.max(decimal::sub(Decimal::ZERO, most)?);
            }
            rate = decimal::add(rate, movement)?.max(self.floor);
            if let Some(cap) = self.cap {
                rate = rate.min(cap);
            }
            changes.push(RateChange { from: fixing.from, annual_rate: rate });
        }
        Ok(changes)
    }
}

/// An annual rate from an evening on: it bears the interest of the following days.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DatedRate {
    pub(crate) evening: NaiveDate,
    pub(crate) annual_rate: Decimal,
}

/// The annual rate over the life of a loan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RateCourse {
    /// At the start.
    pub(crate) initial: Decimal,
    /// Changes after the start and before the end, in order of date.
    pub(crate) changes: Vec<DatedRate>,
}

impl RateCourse {
    /// The rates between two dates: those set on or before the start, of which the latest counts,
    /// and those set later. What happens after the end has no effect.
    pub(crate) fn new(
        annual_rate: Decimal,
        changes: &[RateChange],
        start: NaiveDate,
        end: NaiveDate,
    ) -> Result<Self, CalendarError> {
        let mut course = Self { initial: annual_rate, changes: Vec::new() };
        for change in changes {
            let evening = add_days(change.from, -1)?;
            if evening <= start {
                course.initial = change.annual_rate;
            } else if evening < end {
                course.changes.push(DatedRate { evening, annual_rate: change.annual_rate });
            }
        }
        Ok(course)
    }

    /// The rate of a stretch that starts on an evening, as far as the first `known` changes tell.
    pub(crate) fn on(&self, evening: NaiveDate, known: usize) -> Decimal {
        let known = self.changes.get(..known).unwrap_or(&self.changes);
        let after = known.partition_point(|change| change.evening <= evening);
        match after.checked_sub(1).and_then(|last| known.get(last)) {
            Some(change) => change.annual_rate,
            None => self.initial,
        }
    }
}

fn one() -> Decimal {
    Decimal::ONE
}

/// What a quoted rate is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateQuote {
    /// A year.
    #[default]
    Year,
    /// A month, a twelfth of a year.
    Month,
    /// A week, a fifty-second of a year.
    Week,
    /// A day, a three hundred and sixty-fifth of a year.
    Day,
    /// The whole term of the loan.
    WholeTerm,
}

impl RateQuote {
    /// The nominal annual rate of a rate quoted in this way, for a loan of `instalments` periods
    /// of `frequency`; without compounding, as lenders convert nominal rates.
    ///
    /// # Errors
    /// [`ArithmeticError`] where the rate is out of range or the term has no length.
    pub fn annual(
        self,
        rate: Decimal,
        frequency: Frequency,
        instalments: u32,
    ) -> Result<Decimal, ArithmeticError> {
        let times = |count: i64| decimal::mul(rate, Decimal::from(count));
        match self {
            Self::Year => Ok(rate),
            Self::Month => times(12),
            Self::Week => times(52),
            Self::Day => times(365),
            Self::WholeTerm => {
                let period = frequency.period_of_year();
                let periods = period.numerator * i64::from(instalments);
                decimal::div(times(period.denominator)?, Decimal::from(periods))
            }
        }
    }
}
