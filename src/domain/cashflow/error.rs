//! Why a calculation over cash flows is refused.

use chrono::NaiveDate;

use crate::domain::calendar::CalendarError;
use crate::domain::decimal::ArithmeticError;
use crate::domain::error::{Condition, Refusal, UnknownName};
use crate::domain::limits::{ANNUAL_RATE_MAX, CASH_FLOWS_MAX};

/// Why interest, a present value, a rate of return or an APR cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CashflowError {
    /// A rate at or below minus one (or minus the periods a year, where it is compounded), at
    /// which nothing is left to discount.
    #[error("a rate leaves nothing to compound")]
    RateTooLow {
        /// The rate, as a fraction.
        rate: String,
        /// What it must exceed.
        above: String,
    },
    /// A rate beyond the largest the library takes.
    #[error("a rate is out of bounds")]
    RateTooHigh {
        /// The rate, as a fraction.
        rate: String,
    },
    /// A number of periods that is not positive or too large.
    #[error("the number of periods is out of bounds")]
    PeriodsOutOfBounds {
        /// The number given.
        given: String,
        /// The largest there may be; the smallest is 1.
        max: u32,
    },
    /// A period that is not one of the periods.
    #[error("the period is not one of the periods of the annuity")]
    NoSuchPeriod {
        /// The period asked for, counted from one.
        period: i64,
        /// The number of periods.
        periods: u32,
    },
    /// A fraction of a unit-period that is not one.
    #[error("a fraction of a unit-period is out of bounds")]
    FractionOutOfBounds {
        /// The fraction.
        fraction: String,
    },
    /// A number that is infinite or not a number.
    #[error("{what} is not a finite number")]
    NotFinite {
        /// Which argument, as in "a cash flow".
        what: &'static str,
        /// Its place among its kind, counted from one, if it is one of several.
        position: Option<usize>,
    },
    /// A number that must be positive and is not.
    #[error("{what} must be positive")]
    NotPositive {
        /// Which argument, as in "the time in years".
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// A number that must not be negative and is.
    #[error("{what} must not be negative")]
    Negative {
        /// Which argument, as in "a payment".
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// A date before the date it must follow.
    #[error("{what} is before the start")]
    BeforeStart {
        /// Which date, as in "the end of the interest period".
        what: &'static str,
        /// The start.
        start: NaiveDate,
        /// The date.
        date: NaiveDate,
    },
    /// No rate is in force on a day for which interest is due.
    #[error("no rate is in force at the start of the period")]
    NoRateInForce {
        /// The first day of the period.
        start: NaiveDate,
        /// The first effective date there is.
        first: Option<NaiveDate>,
    },
    /// Two rates that take effect on the same day.
    #[error("two rates take effect on the same day")]
    TwoRatesOnADay {
        /// The day.
        effective: NaiveDate,
    },
    /// A day count under which a day has no fixed worth.
    #[error("the day count {convention} has no interest per day")]
    NoPerDiem {
        /// The day count.
        convention: &'static str,
    },
    /// More flows than one calculation takes.
    #[error("too many cash flows")]
    TooManyFlows {
        /// How many there are.
        count: usize,
    },
    /// An argument that must hold something is empty.
    #[error("there is no {what}")]
    Missing {
        /// What is missing, as in "advance".
        what: &'static str,
    },
    /// A value that no double holds, such as a present value at a rate close to minus one.
    #[error("{what} is out of range")]
    OutOfRange {
        /// What it is, as in "the present value".
        what: &'static str,
    },
    /// A rate was found that does not bring the present value to zero closely enough.
    #[error("the rate could not be verified")]
    NotVerified {
        /// The rate.
        rate: String,
        /// The present value at that rate, as a part of the sum of all present values.
        residual: String,
    },
    /// A name that no table here holds.
    #[error(transparent)]
    Name(#[from] UnknownName),
    /// A question of dates.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// A number does not fit.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

impl Refusal for CashflowError {
    fn condition(&self) -> Condition {
        match self {
            Self::Name(error) => error.condition(),
            Self::Calendar(error) => error.condition(),
            Self::Arithmetic(error) => error.condition(),
            Self::RateTooHigh { .. } | Self::TooManyFlows { .. } | Self::OutOfRange { .. } => {
                Condition::NumericOutOfRange
            }
            Self::NotVerified { .. } => Condition::NoSolution,
            _ => Condition::InvalidParameter,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Name(error) => error.detail(),
            Self::Calendar(error) => error.detail(),
            Self::Arithmetic(error) => error.detail(),
            Self::RateTooLow { rate, above } => {
                Some(format!("The rate is {rate}; it must be above {above}."))
            }
            Self::RateTooHigh { rate } => {
                Some(format!("The rate is {rate}; it may be at most {ANNUAL_RATE_MAX}."))
            }
            Self::PeriodsOutOfBounds { given, max } => {
                Some(format!("The number is {given}; it may be from 1 to {max}."))
            }
            Self::NoSuchPeriod { period, periods } => {
                Some(format!("The period is {period}; they are counted from 1 to {periods}."))
            }
            Self::FractionOutOfBounds { fraction } => {
                Some(format!("The fraction is {fraction}; it may be from 0 to 1."))
            }
            Self::NotFinite { position, .. } => position.map(|at| format!("It is number {at}.")),
            Self::NotPositive { value, .. } | Self::Negative { value, .. } => {
                Some(format!("It is {value}."))
            }
            Self::BeforeStart { start, date, .. } => {
                Some(format!("The start is {start}, the date is {date}."))
            }
            Self::NoRateInForce { start, first } => Some(match first {
                Some(first) => format!("The period starts on {start}, the first rate on {first}."),
                None => format!("The period starts on {start} and there is no rate."),
            }),
            Self::TwoRatesOnADay { effective } => Some(format!("The day is {effective}.")),
            Self::TooManyFlows { count } => {
                Some(format!("There are {count}; there may be at most {CASH_FLOWS_MAX}."))
            }
            Self::NotVerified { rate, residual } => Some(format!(
                "At the rate {rate} the present value is {residual} of the sum of all present \
                 values."
            )),
            Self::NoPerDiem { .. } | Self::Missing { .. } | Self::OutOfRange { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Name(error) => return error.hint(),
            Self::Calendar(error) => return error.hint(),
            Self::Arithmetic(error) => return error.hint(),
            Self::RateTooLow { .. } | Self::RateTooHigh { .. } => {
                "Give the rate as a fraction, 0.065 for 6.5 per cent."
            }
            Self::PeriodsOutOfBounds { .. } => "Count the periods as the rate is quoted.",
            Self::NoSuchPeriod { .. } => "Ask for one of the periods.",
            Self::FractionOutOfBounds { .. } => "Count whole unit-periods apart from the fraction.",
            Self::NotFinite { .. } => "Leave out what is unknown rather than pass NaN.",
            Self::NotPositive { .. } => "Give a number above zero.",
            Self::Negative { .. } => "Give advances and payments as amounts of zero or more.",
            Self::BeforeStart { .. } => "Give the dates in order.",
            Self::NoRateInForce { .. } => "Add the rate that is in force on the first day.",
            Self::TwoRatesOnADay { .. } => "Keep one rate for each effective date.",
            Self::NoPerDiem { .. } => {
                "Choose a day count that divides by a number of days, such as ACT/365F."
            }
            Self::TooManyFlows { .. } => "Sum the flows by date first.",
            Self::Missing { .. } => "Give at least one.",
            Self::OutOfRange { .. } => "Check the rate and the dates.",
            Self::NotVerified { .. } => "Check the amounts; they may differ too much in size.",
        };
        Some(hint.into())
    }
}

/// `value` if it is finite.
pub(super) fn finite(
    value: f64,
    what: &'static str,
    position: Option<usize>,
) -> Result<f64, CashflowError> {
    if value.is_finite() { Ok(value) } else { Err(CashflowError::NotFinite { what, position }) }
}
