//! Amounts by component.

use std::ops::{Index, IndexMut};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::decimal::{self, ArithmeticError};

/// What a borrower owes, by what it is owed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// What was lent.
    Principal,
    /// The price of lending it.
    Interest,
    /// Charges that are not a punishment.
    Fee,
    /// Charges for being late.
    Penalty,
}

impl Component {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Principal, Self::Interest, Self::Fee, Self::Penalty];
}

/// One amount for each component, in currency units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Amounts {
    /// Of principal.
    #[serde(skip_serializing_if = "Decimal::is_zero")]
    pub principal: Decimal,
    /// Of interest.
    #[serde(skip_serializing_if = "Decimal::is_zero")]
    pub interest: Decimal,
    /// Of fees.
    #[serde(skip_serializing_if = "Decimal::is_zero")]
    pub fee: Decimal,
    /// Of penalties.
    #[serde(skip_serializing_if = "Decimal::is_zero")]
    pub penalty: Decimal,
}

impl Index<Component> for Amounts {
    type Output = Decimal;
    fn index(&self, component: Component) -> &Decimal {
        match component {
            Component::Principal => &self.principal,
            Component::Interest => &self.interest,
            Component::Fee => &self.fee,
            Component::Penalty => &self.penalty,
        }
    }
}

impl IndexMut<Component> for Amounts {
    fn index_mut(&mut self, component: Component) -> &mut Decimal {
        match component {
            Component::Principal => &mut self.principal,
            Component::Interest => &mut self.interest,
            Component::Fee => &mut self.fee,
            Component::Penalty => &mut self.penalty,
        }
    }
}

impl Amounts {
    /// Nothing of anything.
    pub const ZERO: Self = Self {
        principal: Decimal::ZERO,
        interest: Decimal::ZERO,
        fee: Decimal::ZERO,
        penalty: Decimal::ZERO,
    };

    /// An amount of one component.
    pub fn of(component: Component, amount: Decimal) -> Self {
        let mut amounts = Self::ZERO;
        amounts[component] = amount;
        amounts
    }

    /// The sum over the components.
    ///
    /// # Errors
    /// [`ArithmeticError`] for sums beyond the exact range.
    pub fn total(&self) -> Result<Decimal, ArithmeticError> {
        let charges = decimal::add(self.fee, self.penalty)?;
        decimal::add(decimal::add(self.principal, self.interest)?, charges)
    }

    /// Component by component.
    ///
    /// # Errors
    /// [`ArithmeticError`] for sums beyond the exact range.
    pub fn plus(&self, other: &Self) -> Result<Self, ArithmeticError> {
        self.with(other, decimal::add)
    }

    /// Component by component.
    ///
    /// # Errors
    /// [`ArithmeticError`] for differences beyond the exact range.
    pub fn minus(&self, other: &Self) -> Result<Self, ArithmeticError> {
        self.with(other, decimal::sub)
    }

    /// Adds to one component.
    ///
    /// # Errors
    /// [`ArithmeticError`] for sums beyond the exact range.
    pub fn add(&mut self, component: Component, amount: Decimal) -> Result<(), ArithmeticError> {
        self[component] = decimal::add(self[component], amount)?;
        Ok(())
    }

    /// Whether there is nothing of anything.
    pub fn is_zero(&self) -> bool {
        Component::ALL.iter().all(|&component| self[component].is_zero())
    }

    fn with(
        &self,
        other: &Self,
        combine: impl Fn(Decimal, Decimal) -> Result<Decimal, ArithmeticError>,
    ) -> Result<Self, ArithmeticError> {
        Ok(Self {
            principal: combine(self.principal, other.principal)?,
            interest: combine(self.interest, other.interest)?,
            fee: combine(self.fee, other.fee)?,
            penalty: combine(self.penalty, other.penalty)?,
        })
    }
}
