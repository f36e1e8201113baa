//! Rates of return: the rates at which flows are worth nothing today.

mod choice;
mod exponential;
mod legs;
mod roots;

pub(super) use choice::BothSides;
pub(super) use exponential::Flows;
pub(super) use legs::{CarefulSum, Leg, Legs, Net, PresentValue};
pub(super) use roots::first_root;
