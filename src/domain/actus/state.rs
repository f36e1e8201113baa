//! How a contract stands between two events.

use chrono::NaiveDate;
use rust_decimal::Decimal;

/// The state variables of the standard, signed by the role: claims are positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The day to which interest and fees have accrued.
    pub accrued_to: NaiveDate,
    /// The principal outstanding (`Nt`).
    pub notional: Decimal,
    /// The amount interest accrues on (`Ipcb`).
    pub interest_base: Decimal,
    /// The annual rate (`Ipnr`); not signed.
    pub rate: Decimal,
    /// Interest owed (`Ipac`).
    pub accrued_interest: Decimal,
    /// Interest due with the settlement of a call.
    pub claimed_interest: Decimal,
    /// Fees owed (`Feac`).
    pub accrued_fees: Decimal,
    /// The next payment (`Prnxt`): principal of a LAM, interest and principal of a NAM or ANN.
    pub next_payment: Decimal,
    /// How many redemptions there have been.
    pub redemptions: usize,
    /// The multiple of principal paid (`Nsc`); not signed.
    pub notional_scaling: Decimal,
    /// The multiple of interest paid (`Isc`); not signed.
    pub interest_scaling: Decimal,
}

impl State {
    /// A contract of which nothing has happened.
    pub fn before_exchange(day: NaiveDate) -> Self {
        Self {
            accrued_to: day,
            notional: Decimal::ZERO,
            interest_base: Decimal::ZERO,
            rate: Decimal::ZERO,
            accrued_interest: Decimal::ZERO,
            claimed_interest: Decimal::ZERO,
            accrued_fees: Decimal::ZERO,
            next_payment: Decimal::ZERO,
            redemptions: 0,
            notional_scaling: Decimal::ONE,
            interest_scaling: Decimal::ONE,
        }
    }
}
