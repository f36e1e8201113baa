//! Money that comes and goes: lending, paying, and what goes back.

pub(super) mod allocate;
pub(super) mod capitalise;
pub(super) mod credit;
pub(super) mod interest_refund;
pub(super) mod lend;
pub(super) mod overpayment;
pub(super) mod recalculate;
pub(super) mod refund;
