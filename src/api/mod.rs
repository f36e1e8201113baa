//! What SQL sees: each function decodes its arguments, calls the domain, and encodes the answer.

mod actus;
mod calendar;
mod cashflow;
mod collateral;
mod feed;
mod fetch;
mod hash;
mod identity;
mod loan;
mod loan_state;
mod market;
mod matching;
mod money;
mod outlook;
mod packed;
mod servicing;
