//! Amounts that most lines have nothing of.

use std::ops::{Deref, DerefMut};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::amounts::{Amounts, Component};
use crate::domain::decimal::ArithmeticError;

/// Amounts by component that are nothing of anything most of the time.
///
/// They read, compare and are stored as [`Amounts`]. As long as there is nothing they take one word
/// instead of four decimals, which keeps the lines of a long loan near each other in memory.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Amounts", into = "Amounts")]
pub struct Seldom(Option<Box<Amounts>>);

impl Seldom {
    /// Whether there is nothing of anything.
    pub fn is_zero(&self) -> bool {
        self.0.as_ref().is_none_or(|amounts| amounts.is_zero())
    }

    /// Replaces one component.
    pub fn set(&mut self, component: Component, amount: Decimal) {
        // Nothing in place of nothing needs no place to be kept in.
        if !amount.is_zero() || self.0.is_some() {
            (**self)[component] = amount;
        }
    }

    /// Adds to one component.
    ///
    /// # Errors
    /// [`ArithmeticError`] for sums beyond the exact range.
    pub fn add(&mut self, component: Component, amount: Decimal) -> Result<(), ArithmeticError> {
        if amount.is_zero() && self.0.is_none() { Ok(()) } else { (**self).add(component, amount) }
    }
}

impl From<Amounts> for Seldom {
    fn from(amounts: Amounts) -> Self {
        Self((!amounts.is_zero()).then(|| Box::new(amounts)))
    }
}

impl From<Seldom> for Amounts {
    fn from(seldom: Seldom) -> Self {
        *seldom
    }
}

impl Deref for Seldom {
    type Target = Amounts;

    fn deref(&self) -> &Amounts {
        const NOTHING: &Amounts = &Amounts::ZERO;
        self.0.as_deref().unwrap_or(NOTHING)
    }
}

impl DerefMut for Seldom {
    fn deref_mut(&mut self) -> &mut Amounts {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Seldom {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_compares_and_is_stored_as_amounts() {
        let mut seldom = Seldom::default();
        seldom.add(Component::Interest, Decimal::ZERO).unwrap();
        assert!(seldom.0.is_none() && seldom.is_zero());
        seldom.add(Component::Interest, Decimal::TWO).unwrap();
        let amounts = Amounts::of(Component::Interest, Decimal::TWO);
        assert_eq!(*seldom, amounts);
        assert_eq!(serde_json::to_value(&seldom).unwrap(), serde_json::to_value(amounts).unwrap());
        let back: Seldom = serde_json::from_value(serde_json::json!({})).unwrap();
        assert!(back.0.is_none());
        seldom.add(Component::Interest, -Decimal::TWO).unwrap();
        assert_eq!(seldom, back);
    }
}
