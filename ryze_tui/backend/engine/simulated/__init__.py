"""An engine that behaves like WhatsApp without WhatsApp: virtual phones, codes that no real phone accepts."""
