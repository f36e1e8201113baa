//! Changes of what was agreed, and the lines that follow from them.

pub(super) mod plan;
pub(super) mod re_age;
pub(super) mod re_amortise;
pub(super) mod recast;
mod replace;
pub(super) mod reschedule;
pub(super) mod respread;
#[cfg(test)]
mod respread_tests;
