//! What a loan that goes on without its history knows of it.

use std::sync::Arc;

/// The bytes of a shape.
pub(crate) type Shape = Arc<[u8]>;

/// What of a loan's history is not at hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Past {
    /// How many operations were recorded.
    pub(crate) operations: u32,
    /// How many transactions were made.
    pub(crate) transactions: u32,
    /// How many of those are at hand: the first ones.
    pub(crate) kept: usize,
    /// How many movements were posted.
    pub(crate) movements: u64,
    /// Whether income was capitalised, which is earned over the term.
    pub(crate) capitalised: bool,
    /// The form of the terms, but for what the loan has of its own.
    pub(crate) shape: Option<Shape>,
}

impl Past {
    /// Whether nothing is missing.
    pub(crate) fn is_at_hand(&self) -> bool {
        self.operations == 0
    }
}
