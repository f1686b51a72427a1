"""The TenantAccess aggregate: who may reach which backends of an Entra tenant, and why an access was let in or not.

`sfi` holds the rules about the network way to the tenant, `deciding` puts them and the grant together into an
AccessDecision, `aggregate` keeps what was granted, checked, denied and allowed.
"""
