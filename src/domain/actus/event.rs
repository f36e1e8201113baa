//! The events of a contract: their types, and what the evaluation tells of each.

use rust_decimal::Decimal;

use super::time::ContractTime;

/// What happens at an event.
///
/// The order is that in which events of the same time take effect. It is the sequence of the ACTUS
/// dictionary but for two that published contracts show elsewhere: a payment is refixed after the
/// reset it follows from, and a call comes before what it makes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// Principal is paid out.
    Ied,
    /// The principal is called back.
    Xd,
    /// A fee is paid.
    Fp,
    /// Principal is redeemed.
    Pr,
    /// More principal is drawn.
    Pi,
    /// A penalty is paid for a prepayment.
    Py,
    /// Principal is prepaid.
    Pp,
    /// Interest is paid.
    Ip,
    /// Interest is added to the principal.
    Ipci,
    /// The rate is reset to one known beforehand.
    Rrf,
    /// The rate is reset to the market's.
    Rr,
    /// The next payments are fixed anew.
    Prf,
    /// The contract is bought.
    Prd,
    /// The contract is sold or ended early.
    Td,
    /// Payments are brought up to an index.
    Sc,
    /// The amount interest accrues on is brought up to the principal.
    Ipcb,
    /// What is left of the principal is due.
    Md,
    /// What was called is paid.
    Std,
    /// Nothing: the state is observed.
    Ad,
}

impl EventType {
    /// The acronym of the standard.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ied => "IED",
            Self::Xd => "XD",
            Self::Fp => "FP",
            Self::Pr => "PR",
            Self::Pi => "PI",
            Self::Py => "PY",
            Self::Pp => "PP",
            Self::Ip => "IP",
            Self::Ipci => "IPCI",
            Self::Rrf => "RRF",
            Self::Rr => "RR",
            Self::Prf => "PRF",
            Self::Prd => "PRD",
            Self::Td => "TD",
            Self::Sc => "SC",
            Self::Ipcb => "IPCB",
            Self::Md => "MD",
            Self::Std => "STD",
            Self::Ad => "AD",
        }
    }
}

/// An event of a contract, with what is paid at it and how the contract stands after it.
///
/// Nothing is rounded to the currency's minor unit: the standard's amounts are what rounding
/// starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractEvent {
    /// When, after moving off days without business.
    pub time: ContractTime,
    /// What happens.
    pub event_type: EventType,
    /// What this side receives; negative for what it pays.
    pub payoff: Decimal,
    /// ISO 4217 code of the currency the payoff is in.
    pub currency: &'static str,
    /// The principal outstanding; negative for the side that borrows.
    pub notional_principal: Decimal,
    /// The annual rate.
    pub nominal_interest_rate: Decimal,
    /// Interest owed and not yet paid; negative for the side that owes it.
    pub accrued_interest: Decimal,
}
