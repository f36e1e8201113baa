//! What others tell by webhooks: who really said it, and what it says.

mod error;
mod event;
mod signature;

pub use error::IntakeError;
pub use event::{Event, Mapping};
pub use signature::{Scheme, Secrets, Unproved};
