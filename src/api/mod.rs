//! What SQL sees: each function decodes its arguments, calls the domain, and encodes the answer.

mod actus;
mod answer;
mod calendar;
mod cashflow;
mod collateral;
mod feed;
mod fetch;
mod hash;
mod identity;
mod intake;
mod lifecycle;
mod loan;
mod loan_state;
mod market;
mod matching;
mod money;
mod outlook;
mod packed;
mod pay_cycle;
mod served;
mod servicing;
