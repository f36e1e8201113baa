//! How a loan ends before it is repaid: accelerated, charged off, written off, handed over.

pub(super) mod accelerate;
pub(super) mod charge_off;
#[cfg(test)]
pub(super) mod losses;
pub(super) mod transfer;
pub(super) mod write_off;
