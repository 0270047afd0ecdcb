//! The API's documents, made out of a store: for the routes, and for the command line.
