//! Where a loan stands in its life.

use serde::{Deserialize, Serialize};

/// Where a loan stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoanStatus {
    /// Agreed, nothing lent yet.
    #[default]
    Approved,
    /// Lent and owed.
    Active,
    /// Nothing is owed and nothing is held.
    Closed,
    /// Nothing is owed, and money of the borrower's is held.
    Overpaid,
    /// Given up.
    WrittenOff,
}

impl LoanStatus {
    /// Its name in the JSON form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Active => "active",
            Self::Closed => "closed",
            Self::Overpaid => "overpaid",
            Self::WrittenOff => "written_off",
        }
    }
}
