//! Charges: fees and penalties of a loan's life.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::amounts::Component;
use crate::domain::decimal::{self, ArithmeticError};
use crate::domain::loan::terms::FeeBasis;

/// When a charge falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeTiming {
    /// With a disbursement, out of which it is paid.
    AtDisbursement,
    /// On its due date.
    OnDate,
    /// With every instalment.
    PerInstalment,
    /// Because an instalment was not paid in time.
    Overdue,
}

/// One charge and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// By what name operations refer to it.
    pub id: String,
    /// What the lender calls it.
    pub name: String,
    /// Whether it punishes lateness.
    pub penalty: bool,
    /// When it falls due.
    pub timing: ChargeTiming,
    /// What the value is a fraction of.
    pub basis: FeeBasis,
    /// Currency units for a flat charge, else the fraction of its basis; of a penalty that the end
    /// of a day charged, what it comes to before it is rounded.
    pub value: Decimal,
    /// The day it falls due, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_on: Option<NaiveDate>,
    /// The day it was recorded.
    pub recorded_on: NaiveDate,
    /// Its place among everything recorded.
    pub sequence: u32,
    /// The due date of the instalment whose lateness it punishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue_since: Option<NaiveDate>,
    /// What it comes to.
    pub amount: Decimal,
    /// What was paid of it.
    #[serde(default)]
    pub paid: Decimal,
    /// What was waived of it.
    #[serde(default)]
    pub waived: Decimal,
    /// What was written off of it.
    #[serde(default)]
    pub written_off: Decimal,
    /// Whether it still stands; one that was withdrawn does not.
    pub active: bool,
    /// The lines it is in, once it has taken effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<ChargeShare>,
}

/// What of a charge is in one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChargeShare {
    /// The due date of the line.
    pub due_date: NaiveDate,
    /// How much.
    pub amount: Decimal,
    /// What was paid of it.
    #[serde(default)]
    pub paid: Decimal,
    /// What was waived of it.
    #[serde(default)]
    pub waived: Decimal,
}

impl ChargeShare {
    /// What of it is still owed.
    ///
    /// # Errors
    /// [`ArithmeticError`] for amounts beyond the exact range.
    pub fn outstanding(&self) -> Result<Decimal, ArithmeticError> {
        decimal::sub(self.amount, decimal::add(self.paid, self.waived)?)
    }
}

impl Charge {
    /// A flat charge of nothing, recorded on a day as a part of an operation.
    pub(crate) fn blank(sequence: u32, recorded_on: NaiveDate) -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            penalty: false,
            timing: ChargeTiming::OnDate,
            basis: FeeBasis::Flat,
            value: Decimal::ZERO,
            due_on: None,
            recorded_on,
            sequence,
            overdue_since: None,
            amount: Decimal::ZERO,
            paid: Decimal::ZERO,
            waived: Decimal::ZERO,
            written_off: Decimal::ZERO,
            active: true,
            shares: Vec::new(),
        }
    }

    /// What of it is still owed.
    ///
    /// # Errors
    /// [`ArithmeticError`] for amounts beyond the exact range.
    pub fn outstanding(&self) -> Result<Decimal, ArithmeticError> {
        let gone = decimal::add(decimal::add(self.paid, self.waived)?, self.written_off)?;
        decimal::sub(self.amount, gone)
    }

    /// The day it takes effect: the day it was recorded, or its due date where that is earlier.
    pub(crate) fn effective_on(&self) -> NaiveDate {
        self.due_on.map_or(self.recorded_on, |due| due.min(self.recorded_on))
    }

    /// Whether it is a fee or a penalty.
    pub fn component(&self) -> Component {
        if self.penalty { Component::Penalty } else { Component::Fee }
    }
}
