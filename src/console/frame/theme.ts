import {
  createTheme,
  defaultVariantColorsResolver,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core'

// Mantine draws from ten shades; ours run from the tokens of theme.css so that both look like one.
const accent: MantineColorsTuple = [
  '#eceefb',
  '#dde1f8',
  '#b9c1f0',
  '#a3b0ff',
  '#8291ee',
  '#6072dc',
  '#4154c4',
  '#3749b0',
  '#2d3c95',
  '#222e75',
]
const harm: MantineColorsTuple = [
  '#fbeae8',
  '#f6d3cf',
  '#efbfba',
  '#ff9d94',
  '#e0665c',
  '#cb4238',
  '#b3261e',
  '#9c1f18',
  '#821a14',
  '#66140f',
]

const dark: MantineColorsTuple = [
  '#ececf1',
  '#b2b2bd',
  '#9696a3',
  '#6d6d79',
  '#43434d',
  '#2b2b32',
  '#1f1f24',
  '#1a1a1e',
  '#151518',
  '#131316',
]

export const theme = createTheme({
  primaryColor: 'accent',
  primaryShade: { light: 6, dark: 3 },
  colors: { accent, harm, dark },
  // Filled buttons take their colours from the tokens, so that the words on them reach 4.5:1 in both schemes.
  variantColorResolver: (input) => {
    const plain = defaultVariantColorsResolver(input)
    const name = input.color ?? 'accent'
    if (input.variant === 'filled' && (name === 'accent' || name === 'harm'))
      return {
        ...plain,
        background: `var(--${name}-fill)`,
        hover: `var(--${name}-fill-hover)`,
        color: `var(--on-${name})`,
      }
    if (input.variant === 'light' && (name === 'accent' || name === 'harm'))
      return { ...plain, background: `var(--${name}-soft)`, hover: `var(--${name}-line)`, color: `var(--${name})` }
    if (input.variant === 'subtle')
      return {
        ...plain,
        background: 'transparent',
        hover: 'var(--hover)',
        color: name === 'gray' ? 'var(--muted)' : 'var(--accent)',
      }
    return plain
  },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '15px', xl: '20px' },
  lineHeights: { xs: '16px', sm: '20px', md: '20px', lg: '24px', xl: '28px' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  defaultRadius: 6,
  headings: { fontWeight: '600' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Button: { defaultProps: { size: 'xs', variant: 'default' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray', size: 'md' } },
    TextInput: { defaultProps: { size: 'xs' } },
    PasswordInput: { defaultProps: { size: 'sm' } },
    Textarea: { defaultProps: { size: 'xs' } },
    NumberInput: { defaultProps: { size: 'xs' } },
    Select: { defaultProps: { size: 'xs', checkIconPosition: 'right' } },
    MultiSelect: { defaultProps: { size: 'xs' } },
    SegmentedControl: { defaultProps: { size: 'xs' } },
    Checkbox: { defaultProps: { size: 'xs' } },
    Switch: { defaultProps: { size: 'xs' } },
    Tabs: { defaultProps: { keepMounted: false } },
    Tooltip: {
      defaultProps: { openDelay: 300, withArrow: false, fz: 12, events: { hover: true, focus: true, touch: false } },
    },
    Modal: { defaultProps: { transitionProps: { duration: 80 }, centered: true } },
    Drawer: { defaultProps: { transitionProps: { duration: 80 } } },
    Popover: { defaultProps: { transitionProps: { duration: 80 }, shadow: 'md' } },
    HoverCard: { defaultProps: { openDelay: 250, closeDelay: 100, shadow: 'md', transitionProps: { duration: 80 } } },
    Menu: { defaultProps: { transitionProps: { duration: 80 }, shadow: 'md' } },
  },
})

/** Points Mantine's own variables at the tokens of theme.css. */
export const cssVariables: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--surface)',
    '--mantine-color-text': 'var(--text)',
    '--mantine-color-dimmed': 'var(--muted)',
    '--mantine-color-default': 'var(--surface)',
    '--mantine-color-default-hover': 'var(--hover)',
    '--mantine-color-default-color': 'var(--text)',
    '--mantine-color-default-border': 'var(--line-strong)',
    '--mantine-color-placeholder': 'var(--faint)',
    '--mantine-color-anchor': 'var(--accent)',
    '--mantine-color-error': 'var(--harm)',
    '--mantine-primary-color-filled': 'var(--accent-fill)',
    '--mantine-primary-color-filled-hover': 'var(--accent-fill-hover)',
    '--mantine-color-accent-filled': 'var(--accent-fill)',
    '--mantine-color-accent-filled-hover': 'var(--accent-fill-hover)',
  }
  return { variables: {}, light: shared, dark: shared }
}
