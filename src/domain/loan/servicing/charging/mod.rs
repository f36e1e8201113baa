//! Fees and penalties: made, laid on the lines, paid, waived and withdrawn.

pub(super) mod charge_lines;
pub(super) mod charge_payments;
pub(super) mod charges;
pub(super) mod penalties;
pub(super) mod withheld;
