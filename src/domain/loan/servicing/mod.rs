//! A loan's life: its terms and its operations, folded into its state.
//!
//! Operations are recorded in one order and take effect in another: by the day they count from,
//! those of one day as recorded. [`Loan::apply`] takes the next one recorded. If it is the last in
//! effect too, it is put on top; if not, everything that took effect after it is run again, and
//! transactions that come to something else are reversed and made anew. Either way the state is
//! the same as if everything had been run from the beginning ([`Loan::fold`]).
//!
//! The rooms: `terms` is what is agreed and `state` what a loan is made of; `record` takes
//! operations in the order recorded and `replay` runs them in the order of their effect; `money`,
//! `charging`, `changing` and `ending` say what each kind of operation does to the lines; `accrue`
//! recognises income as days end; `asking` answers questions.

mod accrue;
mod asking;
mod changing;
mod charging;
mod ending;
mod money;
#[cfg(test)]
mod properties;
mod record;
mod replay;
mod state;
mod terms;
#[cfg(test)]
mod worked;

pub use accrue::AccruedInterest;
pub use asking::at::loan_at;
pub use asking::booking::{Booking, Entry, Portion};
pub use asking::delinquency::{Delinquency, LineDelinquency};
pub use asking::difference::Difference;
pub use asking::explain::{Explanation, Part};
pub use asking::outlook::Outlook;
pub use asking::payoff::PayoffQuote;
pub use state::amounts::{Amounts, Component};
pub use state::charge::{Charge, ChargeShare, ChargeTiming};
pub use state::line::{Line, LineKind};
pub use state::loan::{Loan, Recorded};
pub use state::movement::{Account, Movement};
pub use state::operation::{Action, Operation, PaymentKind};
pub use state::packed::Shapes;
pub use state::refusal::ServicingError;
pub use state::seldom::Seldom;
pub use state::standing::LoanStatus;
pub use state::transaction::{Allocation, ChargePart, Reversal, Transaction, TransactionKind};
pub use state::variation::{Change, Variation};
pub use terms::{
    AccrualTerms, AllocationRule, AllocationTerms, ArrearsTerms, CapitalisedIncomeTerms,
    ChargeOffBehaviour, DelinquencyBucket, FutureRule, LoanTerms, OverpaymentPolicy,
    PayoffInterest, PenaltyTerms, PrepaymentEffect, Recalculation, RecalculationTerms,
    ServicingTerms, Target, TransactionAllocation, Walk, When,
};
