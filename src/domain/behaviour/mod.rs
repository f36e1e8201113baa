//! How people behave with money: when they are paid, from what was seen of it.

pub mod pay_cycle;
