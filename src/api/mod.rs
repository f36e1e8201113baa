//! What SQL sees: each function decodes its arguments, calls the domain, and encodes the answer.

mod actus;
mod calendar;
mod cashflow;
mod loan;
mod money;
mod servicing;
