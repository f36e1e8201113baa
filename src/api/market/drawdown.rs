//! Drawdown.

use pgrx::datum::Internal;
use pgrx::prelude::*;

use super::answering;
use crate::domain::market::{Drawdown, MarketError, Segment, Sliding};
use crate::pg::{self, Answer, Day, OrReport};

/// Prices from the first on as one, or those of a frame that moves.
enum Course {
    Running(Option<Drawdown>),
    Moving(Sliding<Drawdown>),
}

impl Default for Course {
    fn default() -> Self {
        Self::Running(None)
    }
}

impl Course {
    fn total(&self) -> Option<Drawdown> {
        match self {
            Self::Running(course) => *course,
            Self::Moving(frame) => frame.total(),
        }
    }

    /// Takes in the newest price; `moving` says that it may have to leave again.
    fn push(
        &mut self,
        price: Option<f64>,
        day: Option<i32>,
        moving: bool,
    ) -> Result<(), MarketError> {
        let (Some(price), Some(day)) = (price, day) else { return Ok(()) };
        let back = self.total().map_or(0, |seen| i64::from(seen.last().day) - i64::from(day));
        if back > 0 {
            return Err(MarketError::OutOfOrder { back });
        }
        let newest = Drawdown::of(price, day)?;
        match self {
            Self::Running(None) if moving => {
                let mut frame = Sliding::default();
                frame.push(newest);
                *self = Self::Moving(frame);
            }
            Self::Running(course) => {
                *course = Some(course.map_or(newest, |before| before.join(newest)));
            }
            Self::Moving(frame) => frame.push(newest),
        }
        Ok(())
    }

    fn remove_oldest(&mut self, given: bool) {
        if let (Self::Moving(frame), true) = (self, given) {
            frame.remove_oldest();
        }
    }
}

/// The day of rows that have no date.
const NO_DAY: Option<i32> = Some(0);

pg::transitions! {
    fn _drawdown_transition(state: &mut Course, price: Option<f64>) {
        state.push(price, NO_DAY, false)
    }

    fn _moving_drawdown_transition(state: &mut Course, price: Option<f64>) {
        state.push(price, NO_DAY, true)
    }

    fn _moving_drawdown_inverse(state: &mut Course, price: Option<f64>) {
        state.remove_oldest(price.is_some());
        Ok(())
    }

    fn _dated_drawdown_transition(
        state: &mut Course,
        price: Option<f64>,
        on_date: Option<Day>,
    ) {
        let day = on_date.map(Day::number);
        state.push(price, day, false)
    }

    fn _moving_dated_drawdown_transition(
        state: &mut Course,
        price: Option<f64>,
        on_date: Option<Day>,
    ) {
        let day = on_date.map(Day::number);
        state.push(price, day, true)
    }

    fn _moving_dated_drawdown_inverse(
        state: &mut Course,
        price: Option<f64>,
        on_date: Option<Day>,
    ) {
        state.remove_oldest(price.is_some() && on_date.is_some());
        Ok(())
    }
}

answering!(_maximum_drawdown_final, Course, f64, |state| {
    Ok(state.total().map(|course| course.maximum()))
});
answering!(_current_drawdown_final, Course, f64, |state| {
    Ok(state.total().map(|course| course.current()))
});

/// The date of a quote of the deepest fall, of which the number came from a date.
fn day_of(state: &Internal, quote: fn(&Drawdown) -> Option<i32>) -> Answer<Option<Day>> {
    let number = pg::finish(state, |state: &Course| state.total().as_ref().and_then(quote));
    number.flatten().map(Day::from_number).transpose()
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _drawdown_peak_final(state: Internal) -> Answer<Option<Day>> {
    day_of(&state, |course| course.peak().map(|quote| quote.day))
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _drawdown_trough_final(state: Internal) -> Answer<Option<Day>> {
    day_of(&state, |course| course.trough().map(|quote| quote.day))
}
