//! What can be asked of a loan.

pub(super) mod at;
pub(super) mod booking;
pub(super) mod delinquency;
pub(super) mod difference;
pub(super) mod explain;
pub(super) mod facts;
pub(super) mod outlook;
pub(super) mod payoff;
