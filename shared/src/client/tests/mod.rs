//! The client against a server that plays a script.
