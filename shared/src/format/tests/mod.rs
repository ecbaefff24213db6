//! Tests of the inspection as a whole.
