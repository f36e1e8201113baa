//! Rates: how they are quoted, and how they change.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::Frequency;
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
