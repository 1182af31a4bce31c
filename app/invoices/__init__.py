"""Invoices, credit notes and commission invoices: issued with the money, numbered without gaps, never changed."""
