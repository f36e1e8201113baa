//! What a price gained over days.

use pgrx::datum::Internal;
use pgrx::prelude::*;

use super::{answering, same};
use crate::domain::market::{self, DaysBack, MarketError};
use crate::pg::{self, Answer, Day, OrReport};

/// Begins with the first row that has a price and a date.
#[derive(Default)]
struct Recent(Option<DaysBack>);

pg::transitions! {
    fn _days_back_transition(
        state: &mut Recent,
        price: Option<f64>,
        on_date: Option<Day>,
        days: Option<i32>,
    ) {
        let (Some(price), Some(day)) = (price, on_date) else { return Ok(()) };
        let mut first = state.0.as_ref().map(DaysBack::days);
        let days = same(&mut first, "days", days, Ok)?;
        let recent = match &mut state.0 {
            Some(recent) => recent,
            none => none.insert(DaysBack::over(days)?),
        };
        recent.push(price, day.number())
    }
}

fn pair(state: &Recent) -> Option<(f64, f64)> {
    state.0.as_ref().and_then(DaysBack::pair)
}

answering!(_price_delta_final, Recent, f64, |state| {
    Ok(pair(state).map(|(before, last)| last - before))
});
answering!(_price_change_final, Recent, f64, |state| {
    pair(state).map(|(before, last)| market::simple_return(before, last)).transpose()
});
