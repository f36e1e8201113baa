//! What SQL sees: each function decodes its arguments, calls the domain, and encodes the answer.

mod calendar;
mod money;
