//! The tests are in `main.rs`: one binary, because each links all of Burn.
