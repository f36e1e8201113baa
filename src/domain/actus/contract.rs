//! The contract types, and what sets each apart.

/// A contract type of the standard.
///
/// Everything else is shared: a type decides how its principal comes back, from which amount
/// interest accrues, and which terms it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractType {
    /// Principal at maturity: interest on the way, the whole principal at the end.
    Pam,
    /// Linear amortiser: a constant amount of principal at each redemption.
    Lam,
    /// Negative amortiser: a constant payment, of which what interest leaves is principal; where
    /// interest is more than the payment, the principal grows.
    Nam,
    /// Annuity: a constant payment that just redeems the principal, refixed with the rate.
    Ann,
    /// Exotic linear amortiser: amounts of principal redeemed or drawn as arrays say.
    Lax,
    /// Call money: interest is capitalised until one side calls the principal back.
    Clm,
}

/// How principal comes back at a redemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amortisation {
    /// Not before the end.
    None,
    /// The next payment is principal alone.
    Principal,
    /// The next payment is interest and principal together.
    Payment,
}

impl ContractType {
    /// The codes of the standard.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("PAM", Self::Pam),
        ("LAM", Self::Lam),
        ("NAM", Self::Nam),
        ("ANN", Self::Ann),
        ("LAX", Self::Lax),
        ("CLM", Self::Clm),
    ];

    /// The code of the standard.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pam => "PAM",
            Self::Lam => "LAM",
            Self::Nam => "NAM",
            Self::Ann => "ANN",
            Self::Lax => "LAX",
            Self::Clm => "CLM",
        }
    }

    /// How principal comes back.
    pub fn amortisation(self) -> Amortisation {
        match self {
            Self::Pam | Self::Clm => Amortisation::None,
            Self::Lam | Self::Lax => Amortisation::Principal,
            Self::Nam | Self::Ann => Amortisation::Payment,
        }
    }

    /// Whether redemptions recur by one cycle (LAM, NAM, ANN) rather than by arrays or never.
    pub fn redeems_by_cycle(self) -> bool {
        matches!(self, Self::Lam | Self::Nam | Self::Ann)
    }
}
