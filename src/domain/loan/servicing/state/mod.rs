//! What a loan is made of: the state, its parts, and why an operation is not taken.

pub(super) mod amounts;
pub(super) mod charge;
pub(super) mod entry;
pub(super) mod journal;
pub(super) mod line;
pub(super) mod loan;
pub(super) mod movement;
pub(super) mod operation;
pub(super) mod packed;
pub(super) mod past;
pub(super) mod refusal;
pub(super) mod saved;
pub(super) mod seldom;
pub(super) mod standing;
pub(super) mod status;
pub(super) mod transaction;
pub(super) mod variation;
